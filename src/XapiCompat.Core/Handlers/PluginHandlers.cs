using System.Text.Json;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Plugins and extensions of a host: those built in, and answers from a file.</summary>
public sealed class PluginHandlers(RecordStore store, IEnumerable<IHostPlugin> plugins, PluginAnswers answers)
{
    private readonly Dictionary<string, IHostPlugin> _plugins = plugins.ToDictionary(p => p.Name, StringComparer.Ordinal);

    [XenMessage("host.call_plugin")]
    public async ValueTask<string> Call(CallContext context, Ref host, string plugin, string function, XenStruct arguments)
    {
        store.Current.Get("host", host);
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < arguments.Count; i++)
            given[arguments.Names[i]] = arguments.Values[i].ToString()!;
        var call = new PluginCall(host.Text, function, given);
        if (answers.Find(plugin, call) is { } answer)
            return answer;
        if (_plugins.TryGetValue(plugin, out var own))
            return await own.CallAsync(call, context.Cancellation) ?? throw UnknownFunction(function);
        throw answers.Knows(plugin) ? UnknownFunction(function) : new XenException("XENAPI_MISSING_PLUGIN", plugin);
    }

    [XenMessage("host.has_extension")]
    public bool HasExtension(CallContext context, Ref host, string name)
    {
        store.Current.Get("host", host);
        return answers.HasExtension(name);
    }

    [XenMessage("pool.has_extension")]
    public bool PoolHasExtension(CallContext context, Ref self, string name)
    {
        store.Current.Get("pool", self);
        return answers.HasExtension(name);
    }

    /// <param name="call">A JSON-RPC call as text; its method names the extension.</param>
    [XenMessage("host.call_extension")]
    public string CallExtension(CallContext context, Ref host, string call)
    {
        store.Current.Get("host", host);
        var name = MethodOf(call);
        return answers.FindExtension(name) ?? throw new XenException("MESSAGE_METHOD_UNKNOWN", name);
    }

    private static XenException UnknownFunction(string function) => new("UNKNOWN_XENAPI_PLUGIN_FUNCTION", function);

    private static string MethodOf(string call)
    {
        try
        {
            using var document = JsonDocument.Parse(call);
            return document.RootElement.GetProperty("method").GetString() ?? throw Errors.Internal("the call names no method");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw Errors.Internal("no JSON-RPC call: " + e.Message);
        }
    }
}
