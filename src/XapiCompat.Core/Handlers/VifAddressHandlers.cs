using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Addresses that a guest with the right tools gives its interface.</summary>
public sealed class VifAddressHandlers(RecordStore store)
{
    private const string GuestFeature = "feature-static-ip-setting";

    [XenMessage("VIF.configure_ipv4")]
    public void ConfigureIpv4(CallContext context, Ref self, string mode, string address, string gateway) =>
        Configure(self, AddressFamilyRule.IPv4, "ipv4", mode, address, gateway);

    [XenMessage("VIF.configure_ipv6")]
    public void ConfigureIpv6(CallContext context, Ref self, string mode, string address, string gateway) =>
        Configure(self, AddressFamilyRule.IPv6, "ipv6", mode, address, gateway);

    private void Configure(Ref self, AddressFamilyRule family, string prefix, string mode, string address, string gateway) => store.Commit(unit =>
    {
        var vif = unit.Get("VIF", self);
        if (mode == "Static")
        {
            PoolFacts.RequireFeature(unit, PoolFacts.GuestIpSetting);
            Addresses.RequireCidr(family, "address", address);
            if (VifFilterHandlers.EffectiveMode(unit, vif, vif.Text("locking_mode")) == "locked"
                && !vif.Set(prefix + "_allowed").Contains(Addresses.CidrAddress(family, address)!))
            {
                throw new XenException("ADDRESS_VIOLATES_LOCKING_CONSTRAINT", address);
            }

            if (gateway.Length > 0)
                Addresses.RequireIp(family, "gateway", gateway);
        }

        var guest = unit.Find(vif.Target("VM")) is { } vm ? unit.Find(vm.Target("guest_metrics")) : null;
        if (guest?.Map("other")[GuestFeature]?.ToString() != "1")
            throw new XenException("VM_LACKS_FEATURE", vif.Target("VM"));
        unit.Set(self.Text, prefix + "_configuration_mode", mode);
        unit.Set(self.Text, prefix + "_addresses", XenArray.Of([address]));
        unit.Set(self.Text, prefix + "_gateway", gateway);
    });
}
