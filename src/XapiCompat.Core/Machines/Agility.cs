using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Whether a VM could be started on any host: nothing of it may live on one host only.</summary>
public static class Agility
{
    /// <summary>The first thing that ties the VM to some hosts, or null.</summary>
    public static XenFailure? WhyNot(IRecords records, Record vm)
    {
        foreach (var sr in vm.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("empty")).Select(v => records.Get("VDI", v.Target("VDI")).Target("SR")))
        {
            if (!records.Get("SR", sr).Flag("shared"))
                return new("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr);
        }

        var hosts = records.All(records.Model.Class("host")).Select(h => h.Reference).ToList();
        foreach (var network in vm.Set("VIFs").Select(records.Find).OfType<Record>().Select(v => v.Target("network")))
        {
            var reached = records.Find(network)?.Set("PIFs").Select(records.Find).OfType<Record>().Select(p => p.Target("host")).ToHashSet(StringComparer.Ordinal) ?? [];
            if (!hosts.TrueForAll(reached.Contains) && records.Find(network)?.Map("other_config")["assume_network_is_shared"]?.ToString() != "true")
                return new("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network);
        }

        return vm.Set("VGPUs").Any() ? new("VM_HAS_VGPU", vm.Reference) : null;
    }
}
