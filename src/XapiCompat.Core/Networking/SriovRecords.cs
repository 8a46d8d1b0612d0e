using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>SR-IOV on an interface: a network_sriov object with its logical interface.</summary>
public static class SriovRecords
{
    public static Record Create(UnitOfWork unit, IdSource ids, Record physical, Record network)
    {
        PoolFacts.RequireFeature(unit, PoolFacts.NetworkSriov);
        PifRules.RequireManagedNetwork(network);
        PifRules.RequireManaged(physical);
        if (PifTopology.Layer(unit, physical).Kind != PifKind.Physical)
            throw new XenException("PIF_IS_NOT_PHYSICAL", physical.Reference);
        if (unit.Pointing("network_sriov", "physical_PIF", physical.Reference).Any())
            throw new XenException("NETWORK_SRIOV_ALREADY_ENABLED", physical.Reference);
        if (!physical.Set("capabilities").Contains("sriov"))
            throw new XenException("PIF_IS_NOT_SRIOV_CAPABLE", physical.Reference);
        PifRules.RequireUnconnected(unit, physical.Target("host"), network.Reference);
        RequireFitting(unit, physical, network);

        var logical = PifRecords.Insert(
            unit,
            ids,
            physical.Text("device"),
            network.Reference,
            physical.Target("host"),
            ("MAC", PifRecords.SharedMac),
            ("MTU", physical["MTU"]),
            ("metrics", physical["metrics"]),
            ("primary_address_type", physical["primary_address_type"]));
        var sriov = unit.Insert(
            unit.Model.Class("network_sriov"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("physical_PIF", physical.Reference),
            ("logical_PIF", logical));
        PifPlug.Plug(unit, unit.Find(logical)!);
        return sriov;
    }

    public static void Destroy(UnitOfWork unit, Record sriov)
    {
        if (unit.FindOf("PIF", sriov.Target("logical_PIF")) is { } logical)
        {
            PifRules.RequireNoVlans(unit, logical);
            PifPlug.Unplug(unit, logical);
            PifRecords.Delete(unit, logical);
        }

        unit.Delete(sriov.Reference);
    }

    /// <summary>Virtual functions that no VM has and none is about to get.</summary>
    public static long RemainingCapacity(IRecords records, Record sriov)
    {
        if (records.FindOf("PIF", sriov.Target("physical_PIF")) is not { } pif || records.FindOf("PCI", pif.Target("PCI")) is not { } pci)
            return 0;
        return records.Pointing("PCI", "physical_function", pci.Reference)
            .Count(f => !f.Set("attached_VMs").Any() && records.Find(f.Target("scheduled_to_be_attached_to")) is null);
    }

    private static void RequireFitting(UnitOfWork unit, Record physical, Record network)
    {
        if (unit.Pointing("PIF", "network", network.Reference).FirstOrDefault() is not { } existing)
            return;
        if (unit.Pointing("network_sriov", "logical_PIF", existing.Reference).FirstOrDefault() is not { } other)
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_SRIOV", network.Reference);
        if (!PifRules.SameHardware(unit, physical.Reference, other.Target("physical_PIF")))
            throw new XenException("NETWORK_HAS_INCOMPATIBLE_SRIOV_PIFS", physical.Reference, network.Reference);
    }
}
