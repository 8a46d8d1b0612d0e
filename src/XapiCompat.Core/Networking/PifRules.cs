using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>What interfaces and networks refuse, each with its documented error.</summary>
public static class PifRules
{
    public static void RequireManaged(Record pif)
    {
        if (!pif.Flag("managed"))
            throw new XenException("PIF_UNMANAGED", pif.Reference);
    }

    public static void RequireManagedNetwork(Record network)
    {
        if (!network.Flag("managed"))
            throw new XenException("NETWORK_UNMANAGED", network.Reference);
    }

    /// <summary>A host has at most one interface on each network.</summary>
    public static void RequireUnconnected(IRecords records, string host, string network)
    {
        if (records.LocalPif(network, host) is { } other)
            throw new XenException("NETWORK_ALREADY_CONNECTED", host, other.Reference);
    }

    public static void RequireNotManagement(Record pif)
    {
        if (pif.Flag("management"))
            throw new XenException("PIF_IS_MANAGEMENT_INTERFACE", pif.Reference);
    }

    /// <summary>A member of the pool must not lose the interface by which its coordinator reaches it.</summary>
    public static void RequireNotMemberManagement(IRecords records, Record pif)
    {
        if (pif.Flag("currently_attached") && pif.Target("host") != PoolFacts.Pool(records).Target("master"))
            RequireNotManagement(pif);
    }

    public static void RequireNotBonded(IRecords records, Record pif)
    {
        if (PifTopology.BondOf(records, pif) is not null || records.Pointing("Bond", "master", pif.Reference).Any())
            throw new XenException("PIF_ALREADY_BONDED", pif.Reference);
    }

    public static void RequireNoVlans(IRecords records, Record pif)
    {
        if (PifTopology.VlansOn(records, pif).Any())
            throw new XenException("PIF_VLAN_STILL_EXISTS", pif.Reference);
    }

    public static void RequireNoTunnels(IRecords records, Record pif)
    {
        if (PifTopology.TunnelsOn(records, pif).Any() || records.Pointing("tunnel", "access_PIF", pif.Reference).Any())
            throw new XenException("PIF_TUNNEL_STILL_EXISTS", pif.Reference);
    }

    public static void RequireNoSriov(IRecords records, Record pif)
    {
        if (PifTopology.Layer(records, pif).Kind == PifKind.SriovLogical)
            throw new XenException("CANNOT_FORGET_SRIOV_LOGICAL", pif.Reference);
        if (records.Pointing("network_sriov", "physical_PIF", pif.Reference).Any())
            throw new XenException("PIF_SRIOV_STILL_EXISTS", pif.Reference);
    }

    public static void RequireNoClustering(IRecords records, Record pif)
    {
        if (records.Pointing("Cluster_host", "PIF", pif.Reference).FirstOrDefault(h => h.Flag("enabled")) is { } member)
            throw new XenException("CLUSTERING_ENABLED", member.Reference);
    }

    /// <summary>VIF_IN_USE when a VM that lives on the interface's host uses its network.</summary>
    public static void RequireNoActiveVifs(IRecords records, Record pif)
    {
        var host = pif.Target("host");
        foreach (var vif in records.Pointing("VIF", "network", pif.Target("network")))
        {
            if (records.FindOf("VM", vif.Target("VM")) is not { } vm)
                continue;
            var attaching = vif.Map("current_operations").Values.Any(o => o.ToString() == "attach")
                && (vm.Target("resident_on") == host || vm.Target("scheduled_to_be_resident_on") == host);
            var live = vif.Flag("currently_attached") && vm.Target("resident_on") == host && vm.Text("power_state") is "Running" or "Paused";
            if (attaching || live)
                throw new XenException("VIF_IN_USE", pif.Target("network"), vif.Reference);
        }
    }

    /// <summary>An address that the host's management can use: of the interface's primary kind.</summary>
    public static void RequireUsableForManagement(IRecords records, Record pif)
    {
        NetworkAttach.RequireNoMember(records, pif);
        if (pif.Text("primary_address_type") == "IPv4" && pif.Text("ip_configuration_mode") == "None")
            throw new XenException("PIF_HAS_NO_NETWORK_CONFIGURATION", pif.Reference);
        if (pif.Text("primary_address_type") == "IPv6" && pif.Text("ipv6_configuration_mode") == "None")
            throw new XenException("PIF_HAS_NO_V6_NETWORK_CONFIGURATION", pif.Reference);
    }

    /// <summary>True when the hardware under both is of one kind, so that a VM cannot tell them apart.</summary>
    public static bool SameHardware(IRecords records, string pif, string other) => Hardware(records, pif) == Hardware(records, other);

    private static (string? Vendor, string? Device) Hardware(IRecords records, string pif)
    {
        var pci = records.FindOf("PIF", pif) is { } record ? records.FindOf("PCI", record.Target("PCI")) : null;
        return (pci?.Text("vendor_id"), pci?.Text("device_id"));
    }
}
