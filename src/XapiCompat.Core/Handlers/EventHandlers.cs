using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Events;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class EventHandlers(EventService events, EventLog log)
{
    [XenMessage("event.from")]
    public async ValueTask<XenValue> From(CallContext context, XenArray classes, string token, double timeout) =>
        await events.FromAsync(context.Session, classes.Items.Select(c => c.ToString()!), token, timeout, context.Cancellation);

    [XenMessage("event.register")]
    public void Register(CallContext context, XenArray classes) => log.Register(context.Session, classes.Items.Select(c => c.ToString()!));

    [XenMessage("event.unregister")]
    public void Unregister(CallContext context, XenArray classes) => log.Unregister(context.Session, classes.Items.Select(c => c.ToString()!));

    [XenMessage("event.next")]
    public async ValueTask<XenValue> Next(CallContext context) => await log.NextAsync(context.Session, context.Cancellation);

    [XenMessage("event.get_current_id")]
    public long CurrentId(CallContext context) => log.CurrentId;

    [XenMessage("event.inject")]
    public string Inject(CallContext context, string @class, string reference) => events.Inject(@class, reference);
}
