using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class HostDataSourceHandlers(RecordStore store, HostDataSources sources)
{
    [XenMessage("host.get_data_sources")]
    public XenArray List(CallContext context, Ref host) => sources.List(store.Current.Get("host", host));

    [XenMessage("host.query_data_source")]
    public XenValue Query(CallContext context, Ref host, string name) => sources.Query(store.Current.Get("host", host), name);

    [XenMessage("host.record_data_source")]
    public void Record(CallContext context, Ref host, string name) => sources.Record(store.Current.Get("host", host), name, true);

    [XenMessage("host.forget_data_source_archives")]
    public void Forget(CallContext context, Ref host, string name) => sources.Record(store.Current.Get("host", host), name, false);
}
