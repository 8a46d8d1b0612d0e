using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>What a call marks beside its VM, so that nobody takes a disk while it is being connected.</summary>
internal static class VmMarks
{
    public static IReadOnlyList<PlannedOperation> WithDevices(IRecords records, Ref vm, string operation, bool interfaces = true) =>
        [new("VM", vm.Text, operation), .. Devices(records, vm, interfaces)];

    public static IReadOnlyList<PlannedOperation> Devices(IRecords records, Ref vm, bool interfaces)
    {
        var record = records.Get("VM", vm);
        return
        [
            .. record.Set("VBDs").Select(v => new PlannedOperation("VBD", v, "attach")),
            .. interfaces ? record.Set("VIFs").Select(v => new PlannedOperation("VIF", v, "attach")) : [],
        ];
    }
}
