using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Places for data of a host beside its SRs, and facts about the software on it.</summary>
public sealed class HostStorageHandlers(RecordStore store)
{
    private const string NoLocalStorage = "no_local_storage";

    [XenMessage("host.enable_binary_storage")]
    public void EnableBinaryStorage(CallContext context, Ref host) => store.Commit(unit => SetBinaryStorage(unit, unit.Get("host", host), true));

    [XenMessage("host.disable_binary_storage")]
    public void DisableBinaryStorage(CallContext context, Ref host) => store.Commit(unit => SetBinaryStorage(unit, unit.Get("host", host), false));

    [XenMessage("pool.enable_binary_storage")]
    public void EnableOnAll(CallContext context) => OnAll(true);

    [XenMessage("pool.disable_binary_storage")]
    public void DisableOnAll(CallContext context) => OnAll(false);

    /// <summary>What software_version repeats from the host is written anew.</summary>
    [XenMessage("host.refresh_pack_info")]
    public void RefreshPackInfo(CallContext context, Ref host) => store.Commit(unit =>
    {
        var record = unit.Get("host", host);
        unit.Set(host.Text, "software_version", record.Map("software_version").With("hostname", record.Text("hostname")));
    });

    /// <summary>Nothing to bring over: all hosts share one database.</summary>
    [XenMessage("host.sync_data")]
    public void SyncData(CallContext context, Ref host) => store.Current.Get("host", host);

    /// <summary>Nothing to bring over: all hosts share the files.</summary>
    [XenMessage("host.certificate_sync")]
    public void SyncCertificates(CallContext context, Ref host) => store.Current.Get("host", host);

    private void OnAll(bool on) => store.Commit(unit =>
    {
        foreach (var host in PoolHosts.Hosts(unit))
            SetBinaryStorage(unit, host, on);
    });

    private static void SetBinaryStorage(UnitOfWork unit, Record host, bool on)
    {
        var config = host.Map("other_config").Without(NoLocalStorage);
        unit.Set(host.Reference, "other_config", on ? config : config.With(NoLocalStorage, "true"));
    }
}
