namespace XapiCompat.Core.Plugins;

/// <summary>What this server offers beside the XenAPI, as one plugin whose functions come from the features.</summary>
public sealed class XapiCompatPlugin(params IPluginFunctions[] features) : IHostPlugin
{
    private readonly Dictionary<string, Func<PluginCall, CancellationToken, ValueTask<string>>> _functions =
        features.SelectMany(f => f.Functions).ToDictionary(f => f.Name, f => f.Run, StringComparer.Ordinal);

    public string Name => "xapicompat";

    public IEnumerable<string> FunctionNames => _functions.Keys;

    public async ValueTask<string?> CallAsync(PluginCall call, CancellationToken cancellationToken) =>
        _functions.TryGetValue(call.Function, out var run) ? await run(call, cancellationToken) : null;
}
