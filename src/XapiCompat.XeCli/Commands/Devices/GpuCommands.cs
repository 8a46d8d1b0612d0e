using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Devices;

/// <summary>GPUs of hosts and their groups.</summary>
public static class GpuCommands
{
    [XeCommand("gpu-group-create")]
    public static Task CreateGroupAsync(XeCall call) => call.CreateAsync(
        "GPU_group.create", call.Parameters.Required("name-label"), call.Parameters.Text("name-description"), XenStruct.Empty);

    [XeCommand("gpu-group-destroy")]
    public static Task DestroyGroupAsync(XeCall call) => call.ActAsync("GPU_group.destroy");

    [XeCommand("gpu-group-get-remaining-capacity")]
    public static async Task GetRemainingCapacityAsync(XeCall call)
    {
        var type = await call.RefAsync("VGPU_type", "vgpu-type-uuid");
        await call.Printer.LineAsync(Rows.Text(await call.ActAsync("GPU_group.get_remaining_capacity", type)));
    }

    [XeCommand("pgpu-enable-dom0-access")]
    public static async Task EnableAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("PGPU.enable_dom0_access")));

    [XeCommand("pgpu-disable-dom0-access")]
    public static async Task DisableAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("PGPU.disable_dom0_access")));
}
