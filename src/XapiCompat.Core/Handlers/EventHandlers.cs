using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class EventHandlers(EventService events)
{
    [XenMessage("event.from")]
    public async ValueTask<XenValue> From(CallContext context, XenArray classes, string token, double timeout) =>
        await events.FromAsync(context.Session, classes.Items.Select(c => c.ToString()!), token, timeout, context.Cancellation);

    [XenMessage("event.inject")]
    public string Inject(CallContext context, string @class, string reference) => events.Inject(@class, reference);
}
