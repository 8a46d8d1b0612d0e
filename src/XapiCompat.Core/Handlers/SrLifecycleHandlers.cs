using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>SRs that come and go.</summary>
public sealed class SrLifecycleHandlers(RecordStore store, SrService service, SrProbe probe)
{
    [XenMessage("SR.create")]
    public ValueTask<Ref> Create(
        CallContext context, Ref host, XenStruct deviceConfig, long physicalSize, string nameLabel, string nameDescription, string type, string contentType,
        bool shared, XenStruct smConfig) =>
        service.CreateAsync(context, new(host.Text, deviceConfig, nameLabel, nameDescription, type.ToLowerInvariant(), contentType, shared, smConfig));

    [XenMessage("SR.introduce")]
    public Ref Introduce(
        CallContext context, string uuid, string nameLabel, string nameDescription, string type, string contentType, bool shared, XenStruct smConfig) =>
        service.Introduce(uuid, new("", XenStruct.Empty, nameLabel, nameDescription, type.ToLowerInvariant(), contentType, shared, smConfig));

    [XenMessage("SR.forget")]
    public ValueTask Forget(CallContext context, Ref sr) => service.ForgetAsync(context, sr);

    [XenMessage("SR.destroy")]
    public ValueTask Destroy(CallContext context, Ref sr) => service.DestroyAsync(context, sr);

    [XenMessage("SR.probe")]
    public ValueTask<string> Probe(CallContext context, Ref host, XenStruct deviceConfig, string type, XenStruct smConfig)
    {
        store.Current.Get("host", host);
        return probe.TextAsync(deviceConfig, type.ToLowerInvariant(), smConfig, context.Cancellation);
    }
}
