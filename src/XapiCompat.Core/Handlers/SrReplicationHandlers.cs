using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What an SR can do for high availability and disaster recovery.</summary>
public sealed class SrReplicationHandlers(RecordStore store, SrReplication replication)
{
    /// <summary>Room for the state file and for the log of records.</summary>
    private const long HaSpace = (4L << 20) + (953L * 4 * 1024 * 1024);

    [XenMessage("SR.assert_can_host_ha_statefile")]
    public void AssertCanHostHaStatefile(CallContext context, Ref sr)
    {
        var record = store.Current.Get("SR", sr);
        SrReplication.RequireEverywhere(store.Current, record);
        if (!SrFacts.HasFeature(store.Current, record, "VDI_GENERATE_CONFIG"))
            throw new XenException("SR_OPERATION_NOT_SUPPORTED", sr.Text);
        if (record.Int("physical_size") - record.Int("physical_utilisation") < HaSpace)
            throw new XenException("SR_SOURCE_SPACE_INSUFFICIENT", sr.Text);
    }

    [XenMessage("SR.assert_supports_database_replication")]
    public void AssertSupportsDatabaseReplication(CallContext context, Ref sr) =>
        SrReplication.RequireSupport(store.Current, store.Current.Get("SR", sr));

    [XenMessage("SR.enable_database_replication")]
    public ValueTask Enable(CallContext context, Ref sr) => replication.EnableAsync(context, sr);

    [XenMessage("SR.disable_database_replication")]
    public ValueTask Disable(CallContext context, Ref sr) => replication.DisableAsync(context, sr);
}
