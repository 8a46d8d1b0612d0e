namespace XapiCompat.Core.Plugins;

/// <summary>The functions that one feature adds to the plugin <c>xapicompat</c>; docs/plugins.md lists them.</summary>
public interface IPluginFunctions
{
    /// <summary>Names, and what runs. A function throws a XenException for every failure that the caller is to see.</summary>
    IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions { get; }
}
