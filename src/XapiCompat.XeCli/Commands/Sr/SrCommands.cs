using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>Storage repositories.</summary>
public static class SrCommands
{
    [XeCommand("sr-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var shared = p.Flag("shared");
        var host = await SrHost.FindAsync(call, coordinator: shared);
        var config = await DeviceConfigAsync(call);
        var sr = await call.Api.TextAsync(
            "SR.create", host, config, PhysicalSize(call), p.Required("name-label"), p.Text("name-description"), p.Required("type"),
            p.Text("content-type"), shared, p.Struct("sm-config"));
        await call.Terminal.PrintAsync(await call.Api.UuidAsync("SR", sr));
    }

    [XeCommand("sr-introduce")]
    public static async Task IntroduceAsync(XeCall call)
    {
        var p = call.Parameters;
        await call.Api.CallAsync(
            "SR.introduce", p.Required("uuid"), p.Required("name-label"), p.Text("name-description"), p.Required("type"), p.Text("content-type"),
            p.Flag("shared"), p.Struct("sm-config"));
        await call.Printer.ItemAsync(p.Required("uuid"));
    }

    [XeCommand("sr-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("SR.destroy");

    [XeCommand("sr-forget")]
    public static Task ForgetAsync(XeCall call) => call.ActAsync("SR.forget");

    [XeCommand("sr-scan")]
    public static Task ScanAsync(XeCall call) => call.ActAsync("SR.scan");

    [XeCommand("sr-update")]
    public static Task UpdateAsync(XeCall call) => call.ActAsync("SR.update");

    [XeCommand("sr-enable-database-replication")]
    public static Task EnableReplicationAsync(XeCall call) => call.ActAsync("SR.enable_database_replication");

    [XeCommand("sr-disable-database-replication")]
    public static Task DisableReplicationAsync(XeCall call) => call.ActAsync("SR.disable_database_replication");

    /// <summary>Nothing depends on the size: one that cannot be read counts as none.</summary>
    private static long PhysicalSize(XeCall call)
    {
        try
        {
            return call.Parameters.Has("physical-size") ? call.Parameters.Size("physical-size") : 0;
        }
        catch (XeException)
        {
            return 0;
        }
    }

    /// <summary>The value of <c>device-config:key-filename</c> is the name of the file with the value of the key.</summary>
    private static async Task<XenStruct> DeviceConfigAsync(XeCall call)
    {
        const string Suffix = "-filename";
        var config = new List<KeyValuePair<string, string>>();
        foreach (var (key, value) in call.Parameters.Map("device-config"))
        {
            config.Add(key.EndsWith(Suffix, StringComparison.Ordinal)
                ? KeyValuePair.Create(key[..^Suffix.Length], await call.ReadAsync(value, "file " + value))
                : KeyValuePair.Create(key, value));
        }

        return XenStruct.Of(config);
    }
}
