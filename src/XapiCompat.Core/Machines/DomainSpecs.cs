using System.Globalization;
using XapiCompat.Core.Operations;
using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>Domains as the records describe them.</summary>
public static class DomainSpecs
{
    public static DomainSpec Of(IRecords records, Record vm, Record host) => new(
        Guid.Parse(vm.Uuid),
        Guid.Parse(host.Uuid),
        vm.Text("name_label"),
        DomainTypes.Of(vm),
        vm.Int("memory_dynamic_max"),
        vm.Int("VCPUs_at_startup"),
        vm.Map("HVM_boot_params")["order"]?.ToString() ?? "",
        vm.Map("platform"),
        GuestToolsSetting.Of(vm),
        [.. vm.Set("VBDs").Select(records.Find).OfType<Record>().Select(v => Disk(records, v)).OfType<DomainDisk>()],
        [.. vm.Set("VIFs").Select(records.Find).OfType<Record>().Select(v => Interface(records, v))]);

    /// <summary>The domain of a Running or Paused VM.</summary>
    public static DomainHandle Handle(IRecords records, Record vm) => new(
        Guid.Parse(vm.Uuid),
        records.Find(vm.Target("resident_on")) is { } host ? Guid.Parse(host.Uuid) : Guid.Empty,
        vm.Int("domid"),
        // Paravirtualised guests react without tools.
        DomainTypes.RunsParavirtualised(records, vm) ? GuestToolsSetting.Default : GuestToolsSetting.Of(vm));

    private static DomainDisk? Disk(IRecords records, Record vbd)
    {
        var device = DevicePosition.Parse(vbd.Text("userdevice")) is { } position ? DevicePosition.Name(position) : vbd.Text("device");
        var removable = vbd.Text("type") == "CD";
        if (vbd.Flag("empty"))
            return new(device, Guid.Empty, null, true, removable);
        return records.Find(vbd.Target("VDI")) is { } vdi && records.Find(vdi.Target("SR")) is { } sr
            ? new(device, Guid.Parse(sr.Uuid), vdi.Text("location"), vbd.Text("mode") == "RO", removable)
            : null;
    }

    private static DomainInterface Interface(IRecords records, Record vif) => new(
        int.TryParse(vif.Text("device"), NumberStyles.None, CultureInfo.InvariantCulture, out var device) ? device : 0,
        vif.Text("MAC"),
        records.Find(vif.Target("network"))?.Text("bridge") ?? "",
        vif.Int("MTU"));
}
