using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Tracing settings; this server sends no traces, but what is set is checked as where they are sent.</summary>
public sealed class ObserverHandlers(RecordStore store)
{
    private static readonly string[] Components = ["xapi", "xenopsd", "xapi-clusterd", "smapi"];

    [XenMessage("Observer.set_hosts")]
    public void SetHosts(CallContext context, Ref self, XenArray value) => store.Commit(unit =>
    {
        unit.Get("Observer", self);
        foreach (var host in value.Items.Select(i => i.ToString()!))
        {
            if (unit.Find(host)?.Class.Name != "host")
                throw new XenException("INVALID_VALUE", "host", host);
        }

        unit.Set(self.Text, "hosts", value);
    });

    [XenMessage("Observer.set_enabled")]
    public void SetEnabled(CallContext context, Ref self, bool value) => Set(self, "enabled", value);

    /// <summary>Keys of letters, digits, dots and underscores; values that are not empty.</summary>
    [XenMessage("Observer.set_attributes")]
    public void SetAttributes(CallContext context, Ref self, XenStruct value)
    {
        store.Current.Get("Observer", self);
        for (var i = 0; i < value.Count; i++)
        {
            var (name, text) = (value.Names[i], value.Values[i].ToString()!);
            if (name.Length == 0 || text.Length is 0 or > 4095 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
                throw new XenException("INVALID_VALUE", "attributes", name + ":" + text);
        }

        Set(self, "attributes", value);
    }

    [XenMessage("Observer.set_endpoints")]
    public void SetEndpoints(CallContext context, Ref self, XenArray value)
    {
        store.Current.Get("Observer", self);
        foreach (var endpoint in value.Items.Select(i => i.ToString()!))
        {
            var fits = endpoint == "bugtool" || (Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0);
            if (!fits)
                throw new XenException("INVALID_VALUE", "endpoint", endpoint);
        }

        Set(self, "endpoints", value);
    }

    [XenMessage("Observer.set_components")]
    public void SetComponents(CallContext context, Ref self, XenArray value)
    {
        store.Current.Get("Observer", self);
        foreach (var component in value.Items.Select(i => i.ToString()!))
        {
            if (!Components.Contains(component))
                throw new XenException("INVALID_VALUE", "component", component);
        }

        Set(self, "components", value);
    }

    private void Set(Ref self, string field, XenValue value) => store.Commit(unit => unit.Set(unit.Get("Observer", self).Reference, field, Storable.Clean(value)));
}
