using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Plugins of hosts.</summary>
public static class HostPluginCommands
{
    [XeCommand("host-call-plugin")]
    public static async Task CallAsync(XeCall call)
    {
        var host = await call.RefAsync("host", "host-uuid");
        var arguments = await ArgumentsAsync(call);
        await call.Printer.ItemAsync(await call.Api.TextAsync(
            "host.call_plugin", host, call.Parameters.Required("plugin"), call.Parameters.Required("fn"), arguments));
    }

    /// <summary>The value of <c>args:key:file</c> is the name of the file with the argument.</summary>
    public static async Task<XenStruct> ArgumentsAsync(XeCall call)
    {
        const string Suffix = ":file";
        var arguments = new List<KeyValuePair<string, string>>();
        foreach (var (key, value) in call.Parameters.Map("args"))
        {
            arguments.Add(key.EndsWith(Suffix, StringComparison.Ordinal) && key.IndexOf(':', StringComparison.Ordinal) == key.Length - Suffix.Length
                ? KeyValuePair.Create(key[..^Suffix.Length], await call.ReadAsync(value, "file " + value))
                : KeyValuePair.Create(key, value));
        }

        return XenStruct.Of(arguments);
    }
}
