using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Addresses of a host's interfaces.</summary>
public sealed class PifAddressHandlers(RecordStore store)
{
    [XenMessage("PIF.reconfigure_ip")]
    public void ReconfigureIp(CallContext context, Ref self, string mode, string ip, string netmask, string gateway, string dns) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        PifRules.RequireManaged(pif);
        var same = mode == "Static" && pif.Text("ip_configuration_mode") == mode && pif.Text("IP") == ip && pif.Text("netmask") == netmask && pif.Text("gateway") == gateway;
        RequireChangeable(unit, pif, same);
        foreach (var (name, text) in (ReadOnlySpan<(string, string)>)[("IP", ip), ("netmask", netmask), ("gateway", gateway)])
        {
            if (text.Length > 0 || (mode == "Static" && name != "gateway"))
                Addresses.RequireIp(AddressFamilyRule.IPv4, name, text);
        }

        RequireManageable(pif, "IPv4", mode);
        // A lease of the management interface stays what it is: clients are connected to it.
        var leased = mode == "DHCP" && pif.Flag("management") && ip.Length == 0;
        unit.Set(self.Text, "ip_configuration_mode", mode);
        if (!leased)
        {
            unit.Set(self.Text, "IP", ip);
            unit.Set(self.Text, "netmask", netmask);
            unit.Set(self.Text, "gateway", gateway);
        }

        unit.Set(self.Text, "DNS", Servers(dns, AddressFamilyRule.IPv4, pif.Text("DNS"), AddressFamilyRule.IPv6));
        Apply(unit, self.Text);
    });

    [XenMessage("PIF.reconfigure_ipv6")]
    public void ReconfigureIpv6(CallContext context, Ref self, string mode, string ipv6, string gateway, string dns) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        PifRules.RequireManaged(pif);
        var same = mode == "Static" && pif.Text("ipv6_configuration_mode") == mode && pif["IPv6"].Equals(XenArray.Of([ipv6])) && pif.Text("ipv6_gateway") == gateway;
        RequireChangeable(unit, pif, same);
        if (gateway.Length > 0)
            Addresses.RequireIp(AddressFamilyRule.IPv6, "gateway", gateway);
        if (ipv6.Length > 0)
            Addresses.RequireCidr(AddressFamilyRule.IPv6, "IPv6", ipv6);
        RequireManageable(pif, "IPv6", mode);
        unit.Set(self.Text, "ipv6_configuration_mode", mode);
        unit.Set(self.Text, "ipv6_gateway", gateway);
        unit.Set(self.Text, "IPv6", XenArray.Of([ipv6]));
        unit.Set(self.Text, "DNS", Servers(dns, AddressFamilyRule.IPv6, pif.Text("DNS"), AddressFamilyRule.IPv4));
        Apply(unit, self.Text);
    });

    private static void RequireChangeable(IRecords records, Record pif, bool same)
    {
        if (same)
            return;
        PoolFacts.RequireUnprotected(records, pif);
        PifRules.RequireNoClustering(records, pif);
    }

    private static void RequireManageable(Record pif, string family, string mode)
    {
        if (mode == "None" && pif.Text("primary_address_type") == family)
            PifRules.RequireNotManagement(pif);
    }

    /// <summary>New name servers of the family, and those of the other family as they were.</summary>
    private static string Servers(string given, AddressFamilyRule family, string current, AddressFamilyRule other) =>
        string.Join(',', Of(given, family).Concat(Of(current, other)));

    private static IEnumerable<string> Of(string servers, AddressFamilyRule family) =>
        servers.Split(',', StringSplitOptions.RemoveEmptyEntries).Where(s => Addresses.IsIp(family, s));

    private static void Apply(UnitOfWork unit, string reference)
    {
        var pif = unit.Find(reference)!;
        if (pif.Flag("currently_attached"))
            PifState.BringUp(unit, reference);
        if (pif.Flag("management"))
            Management.FollowAddress(unit, pif.Target("host"));
    }
}
