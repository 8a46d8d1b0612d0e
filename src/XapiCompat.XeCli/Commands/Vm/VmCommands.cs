using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs without a template, and the end of a VM's record.</summary>
public static class VmCommands
{
    private const long MiB = 1 << 20;

    /// <summary>A small paravirtual VM without devices.</summary>
    [XeCommand("vm-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync("VM.create", XenStruct.Of(
        ("name_label", call.Parameters.Required("name-label")), ("name_description", call.Parameters.Text("name-description")),
        ("user_version", 0), ("is_a_template", false), ("affinity", Ref.Null.Text), ("memory_target", 256 * MiB),
        ("memory_static_max", 256 * MiB), ("memory_dynamic_max", 256 * MiB), ("memory_dynamic_min", 128 * MiB), ("memory_static_min", 128 * MiB),
        ("VCPUs_params", XenStruct.Empty), ("VCPUs_max", 1), ("VCPUs_at_startup", 1),
        ("actions_after_shutdown", "destroy"), ("actions_after_reboot", "restart"), ("actions_after_crash", "destroy"),
        ("PV_bootloader", ""), ("PV_kernel", ""), ("PV_ramdisk", ""), ("PV_args", ""), ("PV_bootloader_args", ""), ("PV_legacy_args", ""),
        ("HVM_boot_policy", ""), ("HVM_boot_params", XenStruct.Empty), ("platform", XenStruct.Empty), ("PCI_bus", ""),
        ("other_config", XenStruct.Empty), ("recommendations", "")));

    [XeCommand("vm-destroy")]
    public static async Task DestroyAsync(XeCall call)
    {
        var vm = await call.RefAsync("VM");
        if (((XenBool)await call.Api.CallAsync("VM.get_is_control_domain", vm)).Flag)
            throw new XenException("OPERATION_NOT_ALLOWED", "a control domain is not destroyed from here");
        await call.Api.CallAsync("VM.destroy", vm);
    }
}
