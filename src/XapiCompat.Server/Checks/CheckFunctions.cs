using XapiCompat.Core.Plugins;

namespace XapiCompat.Server.Checks;

/// <summary><c>check</c> of the plugin <c>xapicompat</c>: the report on this server's own state, as JSON; docs/check.md.</summary>
internal sealed class CheckFunctions(ServerOptions options) : IPluginFunctions
{
    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions => [("check", CheckAsync)];

    private async ValueTask<string> CheckAsync(PluginCall call, CancellationToken cancellationToken)
    {
        using var text = new StringWriter();
        var report = await CheckCommand.LookBesideAsync(StateDirectory.Beside(options.State), options.SrRoots, cancellationToken);
        CheckReport.WriteJson(text, options.State, running: true, report);
        return text.ToString();
    }
}
