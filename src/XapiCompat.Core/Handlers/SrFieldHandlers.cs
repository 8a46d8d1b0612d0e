using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Fields of SRs that have calls of their own.</summary>
public sealed class SrFieldHandlers(RecordStore store)
{
    /// <summary>An SR that several hosts see stays shared.</summary>
    [XenMessage("SR.set_shared")]
    public void SetShared(CallContext context, Ref sr, bool value) => store.Commit(unit =>
    {
        var pbds = unit.Get("SR", sr).Set("PBDs").ToArray();
        if (!value && pbds.Length > 1)
            throw new XenException("SR_HAS_MULTIPLE_PBDS", pbds);
        unit.Set(sr.Text, "shared", value);
    });

    [XenMessage("SR.set_physical_size")]
    public void SetPhysicalSize(CallContext context, Ref self, long value) => Set(self, "physical_size", value);

    /// <summary>For drivers; the next change of the SR counts on from here, the next scan counts anew.</summary>
    [XenMessage("SR.set_physical_utilisation")]
    public void SetPhysicalUtilisation(CallContext context, Ref self, long value) => Set(self, "physical_utilisation", value);

    [XenMessage("SR.set_virtual_allocation")]
    public void SetVirtualAllocation(CallContext context, Ref self, long value) => Set(self, "virtual_allocation", value);

    /// <summary>The hosts that are up and have the SR plugged.</summary>
    [XenMessage("SR.get_live_hosts")]
    public XenArray LiveHosts(CallContext context, Ref sr)
    {
        var current = store.Current;
        return XenArray.Of(current.Get("SR", sr).Set("PBDs").Select(current.Find).OfType<Record>()
            .Where(p => p.Flag("currently_attached"))
            .Select(p => current.Find(p.Target("host"))).OfType<Record>()
            .Where(h => h.Flag("enabled") && current.Find(h.Target("metrics"))?.Flag("live") == true)
            .Select(h => h.Reference));
    }

    private void Set(Ref sr, string field, long value) => store.Commit(unit =>
    {
        unit.Get("SR", sr);
        unit.Set(sr.Text, field, value);
    });
}
