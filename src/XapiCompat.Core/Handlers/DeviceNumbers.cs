using System.Globalization;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Which positions of a VM are taken.</summary>
internal static class DeviceNumbers
{
    public const int Disks = DevicePosition.Count - 1;
    public const int Interfaces = 16;

    public static int DisksOf(Record vm) => vm.Flag("is_control_domain") ? DevicePosition.Count : Disks;

    /// <summary>The position asked for, or the first free one for <c>autodetect</c>.</summary>
    public static string Choose(IRecords records, Record vm, string asked)
    {
        var used = Used(records, vm, "VBDs", "userdevice");
        var limit = DisksOf(vm);
        if (asked == "autodetect")
            return Free(used, limit).FirstOrDefault() ?? throw new XenException("INVALID_DEVICE", asked);
        var number = DevicePosition.Parse(asked) is { } position && position < limit ? position : throw new XenException("INVALID_DEVICE", asked);
        return used.Contains(number) ? throw new XenException("DEVICE_ALREADY_EXISTS", asked) : asked;
    }

    /// <summary>Positions in <paramref name="field"/> of a VM's devices; those of disks also by the name that the guest has seen.</summary>
    public static HashSet<int> Used(IRecords records, Record vm, string devices, string field) =>
        [.. vm.Set(devices).Select(records.Find).OfType<Record>()
            .Concat(records is UnitOfWork unit ? unit.Drafts.Where(d => d.Class.Name == devices.TrimEnd('s') && d.Target("VM") == vm.Reference) : [])
            .SelectMany(d => devices == "VBDs" ? (string[])[d.Text(field), d.Text("device")] : [d.Text(field)])
            .Select(DevicePosition.Parse)
            .OfType<int>()];

    public static IEnumerable<string> Free(HashSet<int> used, int limit) =>
        Enumerable.Range(0, limit).Where(n => !used.Contains(n)).Select(n => n.ToString(CultureInfo.InvariantCulture));
}
