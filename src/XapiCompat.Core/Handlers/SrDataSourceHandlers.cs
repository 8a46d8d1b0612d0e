using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Figures of SRs.</summary>
public sealed class SrDataSourceHandlers(SrDataSources sources)
{
    [XenMessage("SR.get_data_sources")]
    public XenArray List(CallContext context, Ref sr) => sources.List(sr);

    [XenMessage("SR.query_data_source")]
    public XenValue Query(CallContext context, Ref sr, string dataSource) => sources.Query(sr, dataSource);

    [XenMessage("SR.record_data_source")]
    public void Record(CallContext context, Ref sr, string dataSource) => sources.Record(sr, dataSource, on: true);

    [XenMessage("SR.forget_data_source_archives")]
    public void Forget(CallContext context, Ref sr, string dataSource) => sources.Record(sr, dataSource, on: false);
}
