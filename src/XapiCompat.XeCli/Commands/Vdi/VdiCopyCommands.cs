using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vdi;

/// <summary>One disk from another.</summary>
public static class VdiCopyCommands
{
    [XeCommand("vdi-snapshot")]
    public static async Task SnapshotAsync(XeCall call) =>
        await call.CreateAsync("VDI.snapshot", await call.RefAsync("VDI"), call.Parameters.Struct("driver-params"));

    [XeCommand("vdi-clone")]
    public static async Task CloneAsync(XeCall call)
    {
        var clone = await call.Api.TextAsync("VDI.clone", await call.RefAsync("VDI"), call.Parameters.Struct("driver-params"));
        if (call.Parameters.Find("new-name-label") is { } name)
            await call.Api.CallAsync("VDI.set_name_label", clone, name);
        if (call.Parameters.Find("new-name-description") is { } description)
            await call.Api.CallAsync("VDI.set_name_description", clone, description);
        await call.PrintUuidAsync("VDI", clone);
    }

    [XeCommand("vdi-copy")]
    public static async Task CopyAsync(XeCall call)
    {
        var vdi = await call.RefAsync("VDI");
        var @base = await call.RefOrNullAsync("VDI", "base-vdi-uuid");
        if (call.Parameters.Has("sr-uuid") == call.Parameters.Has("into-vdi-uuid"))
            throw new XeException("Give exactly one of sr-uuid, for a new disk, and into-vdi-uuid, for one that exists.");
        await call.CreateAsync(
            "VDI.copy", vdi, await call.RefOrNullAsync("SR", "sr-uuid"), @base, await call.RefOrNullAsync("VDI", "into-vdi-uuid"));
    }

    [XeCommand("vdi-pool-migrate")]
    public static async Task MigrateAsync(XeCall call)
    {
        var vdi = await call.RefAsync("VDI");
        var sr = await call.RefAsync("SR", "sr-uuid");
        var options = call.Parameters.Find("dest-img-format") is { } format ? XenStruct.Of(("dest-img-format", format)) : XenStruct.Empty;
        await call.CreateAsync("VDI.pool_migrate", vdi, sr, options);
    }
}
