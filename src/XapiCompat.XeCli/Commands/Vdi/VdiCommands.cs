using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vdi;

/// <summary>Disks: made, made known, deleted, forgotten.</summary>
public static class VdiCommands
{
    [XeCommand("vdi-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var sr = await call.RefAsync("SR", "sr-uuid");
        await call.CreateAsync("VDI.create", XenStruct.Of(
            ("name_label", p.Required("name-label")), ("name_description", ""), ("SR", sr), ("virtual_size", p.Size("virtual-size")),
            ("type", Choice.DiskType(p.Text("type", "user"))), ("sharable", p.Flag("sharable")), ("read_only", false),
            ("xenstore_data", XenStruct.Empty), ("other_config", XenStruct.Empty), ("sm_config", p.Struct("sm-config")), ("tags", p.Keys("tags"))));
    }

    [XeCommand("vdi-introduce")]
    public static async Task IntroduceAsync(XeCall call)
    {
        var p = call.Parameters;
        var sr = await call.RefAsync("SR", "sr-uuid");
        await call.CreateAsync(
            "VDI.introduce", p.Required("uuid"), p.Text("name-label"), p.Text("name-description"), sr, Choice.DiskType(p.Required("type")),
            p.Flag("sharable"), p.Flag("read-only"), p.Struct("other-config"), p.Required("location"), p.Struct("xenstore-data"),
            p.Struct("sm-config"), p.Flag("managed"), 0, 0, Ref.Null.Text, false, XenDate.Never, Ref.Null.Text);
    }

    [XeCommand("vdi-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VDI.destroy");

    [XeCommand("vdi-forget")]
    public static Task ForgetAsync(XeCall call) => call.ActAsync("VDI.forget");

    [XeCommand("vdi-update")]
    public static Task UpdateAsync(XeCall call) => call.ActAsync("VDI.update");

    [XeCommand("vdi-unlock")]
    public static async Task UnlockAsync(XeCall call)
    {
        var vdi = await call.RefAsync("VDI");
        call.DemandForce();
        await call.Api.CallAsync("VDI.force_unlock", vdi);
    }

    [XeCommand("vdi-resize")]
    public static Task ResizeAsync(XeCall call) =>
        call.ActAsync(call.Parameters.Find("online") == "true" ? "VDI.resize_online" : "VDI.resize", call.Parameters.Size("disk-size"));

    [XeCommand("vdi-generate-config")]
    public static async Task GenerateConfigAsync(XeCall call)
    {
        var vdi = await call.RefAsync("VDI");
        await call.Printer.ItemAsync(await call.Api.TextAsync("VDI.generate_config", await call.RefAsync("host", "host-uuid"), vdi));
    }
}
