using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a VUSB allows; see <see cref="VdiOperations"/>.</summary>
public static class VusbOperations
{
    private static readonly string[] Listed = ["attach", "plug", "unplug"];

    public static IEnumerable<string> Allowed(IRecords records, Record vusb) => Listed.Where(o => Check(records, vusb, o) is null);

    public static XenFailure? Check(IRecords records, Record vusb, string operation)
    {
        if (DeviceRules.Busy(vusb) is { } busy)
            return busy;
        if (operation is not ("plug" or "unplug") || records.Find(vusb.Target("VM")) is not { } vm)
            return null;
        return DeviceRules.Plugging(vm, vusb, operation, vusb.Flag("currently_attached")) ?? DeviceRules.Leaving(vm);
    }
}
