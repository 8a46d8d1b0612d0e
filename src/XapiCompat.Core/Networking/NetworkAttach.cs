using System.Buffers.Binary;
using System.Net;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>
/// Networks made usable on a host: the interfaces behind them come up, guests on the host's internal network get an
/// address, PVS proxies run.
/// </summary>
public static class NetworkAttach
{
    /// <param name="again">Also interfaces that are up are brought up, so that they follow new settings.</param>
    public static void OnHost(UnitOfWork unit, Record network, string host, bool again = false)
    {
        if (!network.Flag("managed"))
            return;
        if (unit.LocalPif(network.Reference, host) is not { } pif || !pif.Flag("managed") || (!again && pif.Flag("currently_attached")))
            return;
        RequireNoMember(unit, pif);
        PifState.BringUp(unit, pif.Reference);
    }

    public static void ForVm(UnitOfWork unit, Record vm, string host)
    {
        foreach (var vif in Vifs(unit, vm))
            ForVif(unit, vif, host);
    }

    /// <summary>For a domain that starts on its host: placing it there was the time to refuse, so that members of bonds stay as they are.</summary>
    public static void AtStart(UnitOfWork unit, Record vm)
    {
        var host = vm.Target("resident_on");
        foreach (var vif in Vifs(unit, vm).Where(v => unit.LocalPif(v.Target("network"), host) is not { } pif || PifTopology.BondOf(unit, pif) is null))
            ForVif(unit, vif, host);
    }

    public static void ForVif(UnitOfWork unit, Record vif, string host)
    {
        if (unit.FindOf("network", vif.Target("network")) is not { } network)
            return;
        OnHost(unit, network, host);
        Lease(unit, network, vif);
        if (Proxy(unit, vif) is { } proxy && unit.Pointing("PVS_cache_storage", "site", proxy.Target("site")).Any(s => s.Target("host") == host)
            && unit.Pointing("PVS_server", "site", proxy.Target("site")).Any())
        {
            unit.Set(proxy.Reference, "currently_attached", true);
            unit.Set(proxy.Reference, "status", "initialised");
        }
    }

    public static void DetachVm(UnitOfWork unit, Record vm)
    {
        foreach (var vif in Vifs(unit, vm))
            DetachVif(unit, vif);
    }

    public static void DetachVif(UnitOfWork unit, Record vif)
    {
        if (Proxy(unit, vif) is not { } proxy)
            return;
        unit.Set(proxy.Reference, "currently_attached", false);
        unit.Set(proxy.Reference, "status", "stopped");
    }

    /// <summary>A VIF can go to a network on a host: an interface there, none anywhere, or a promise in other_config.</summary>
    public static bool IsVisible(IRecords records, Record network, string host)
    {
        var pifs = records.Pointing("PIF", "network", network.Reference).ToList();
        if (pifs.Count > 0)
            return pifs.FirstOrDefault(p => p.Target("host") == host) is { } pif && PifTopology.BondOf(records, pif) is null;
        if (!network.Flag("managed") || network.Map("other_config")["assume_network_is_shared"]?.ToString() == "true")
            return true;
        // A network without interfaces lives on the host where it is in use.
        var users = records.Pointing("VIF", "network", network.Reference)
            .Select(v => records.FindOf("VM", v.Target("VM"))).OfType<Record>()
            .Where(v => v.Text("power_state") == "Running").Select(v => v.Target("resident_on")).ToList();
        return users.Count == 0 || users.Contains(host);
    }

    public static void RequireNoMember(IRecords records, Record pif)
    {
        if (PifTopology.BondOf(records, pif) is not null)
            throw new XenException("CANNOT_PLUG_BOND_SLAVE", pif.Reference);
    }

    private static List<Record> Vifs(UnitOfWork unit, Record vm) => [.. vm.Set("VIFs").Select(unit.Find).OfType<Record>()];

    private static Record? Proxy(UnitOfWork unit, Record vif) => unit.Pointing("PVS_proxy", "VIF", vif.Reference).FirstOrDefault();

    /// <summary>The first free address of the internal management network, behind the host's own.</summary>
    private static void Lease(UnitOfWork unit, Record network, Record vif)
    {
        var config = network.Map("other_config");
        if (config["is_host_internal_management_network"]?.ToString() != "true" || Number(config["ip_begin"]) is not { } first || Number(config["ip_end"]) is not { } last)
            return;
        var leases = network.Map("assigned_ips");
        if (leases.Contains(vif.Reference))
            return;
        foreach (var gone in leases.Names.Where(v => unit.Find(v) is null))
            leases = leases.Without(gone);
        var taken = leases.Values.Select(Number).ToHashSet();
        for (var address = first + 1; address <= last; address++)
        {
            if (taken.Contains(address))
                continue;
            unit.Set(network.Reference, "assigned_ips", leases.With(vif.Reference, Text(address)));
            return;
        }
    }

    private static uint? Number(XenValue? text) =>
        text is not null && Addresses.IsIp(AddressFamilyRule.IPv4, text.ToString()!) ? BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(text.ToString()!).GetAddressBytes()) : null;

    private static string Text(uint address)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }
}
