using XapiCompat.Values;

namespace XapiCompat.Core.Plugins;

/// <summary>
/// One plugin of host.call_plugin that this server brings along. Register it where the handlers are bound; a file of
/// answers may still override single functions.
/// </summary>
public interface IHostPlugin
{
    /// <summary>The name that callers use.</summary>
    string Name { get; }

    /// <summary>
    /// Runs a function and returns its text. Returns null when there is no such function; throws a XenException for
    /// every failure that the caller is to see.
    /// </summary>
    ValueTask<string?> CallAsync(PluginCall call, CancellationToken cancellationToken);
}

/// <param name="Host">Reference of the host that the call is for.</param>
/// <param name="Function">Name of the function.</param>
/// <param name="Arguments">Named texts, as the caller gave them.</param>
public sealed record PluginCall(string Host, string Function, IReadOnlyDictionary<string, string> Arguments)
{
    /// <summary>An argument that must be there; INVALID_VALUE with its name otherwise.</summary>
    public string Required(string name) => Arguments.GetValueOrDefault(name) is { Length: > 0 } text ? text : throw new XenException("INVALID_VALUE", name, "");

    /// <summary><c>true</c> or <c>false</c>, in any case; false when it is not given, INVALID_VALUE when it is neither.</summary>
    public bool Flag(string name) =>
        !Arguments.TryGetValue(name, out var text) || text.Length == 0 ? false : bool.TryParse(text, out var flag) ? flag : throw new XenException("INVALID_VALUE", name, text);
}
