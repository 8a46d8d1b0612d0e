using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Virtual TPMs and GPUs.</summary>
public static class VmDeviceCommands
{
    [XeCommand("vtpm-create")]
    public static async Task CreateTpmAsync(XeCall call) => await call.CreateAsync(
        "VTPM.create", await call.RefAsync("VM", "vm-uuid"), call.Parameters.Flag("is_unique") || call.Parameters.Flag("is-unique"));

    [XeCommand("vtpm-destroy")]
    public static Task DestroyTpmAsync(XeCall call)
    {
        call.DemandForce();
        return call.ActAsync("VTPM.destroy");
    }

    [XeCommand("vgpu-create")]
    public static async Task CreateGpuAsync(XeCall call) => await call.CreateAsync(
        "VGPU.create", await call.RefAsync("VM", "vm-uuid"), await call.RefAsync("GPU_group", "gpu-group-uuid"), call.Parameters.Text("device", "0"),
        XenStruct.Empty, await call.RefOrNullAsync("VGPU_type", "vgpu-type-uuid"));

    [XeCommand("vgpu-destroy")]
    public static Task DestroyGpuAsync(XeCall call) => call.ActAsync("VGPU.destroy");
}
