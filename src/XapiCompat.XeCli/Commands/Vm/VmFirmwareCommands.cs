using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>What a guest finds below its operating system.</summary>
public static class VmFirmwareCommands
{
    [XeCommand("vm-set-uefi-mode")]
    public static async Task SetUefiModeAsync(XeCall call) =>
        await call.Printer.LineAsync(Rows.Text(await call.ActAsync("VM.set_uefi_mode", Choice.Of(call.Parameters.Required("mode"), "setup", "user"))));

    [XeCommand("vm-get-secureboot-readiness")]
    public static async Task GetReadinessAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("VM.get_secureboot_readiness")));

    [XeCommand("vm-update-secureboot-certificates-on-boot")]
    public static Task UpdateCertificatesAsync(XeCall call)
    {
        var mark = call.Parameters.Flag("mark");
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.update_secureboot_certificates_on_boot", vm.Reference, mark));
    }

    [XeCommand("vm-copy-bios-strings")]
    public static async Task CopyBiosStringsAsync(XeCall call)
    {
        var host = await call.RefAsync("host", "host-uuid");
        await call.ForEachVmAsync(vm => call.Api.CallAsync("VM.copy_bios_strings", vm.Reference, host));
    }

    [XeCommand("vm-is-bios-customized")]
    public static Task IsBiosCustomizedAsync(XeCall call) => call.ForEachVmAsync(async vm =>
        await call.Printer.LineAsync((XenStruct)await call.Api.CallAsync("VM.get_bios_strings", vm.Reference) switch
        {
            { Count: 0 } => "The BIOS strings of this VM have not yet been set.",
            var strings when IsGeneric(strings) => "This VM is BIOS-generic.",
            _ => "This VM is BIOS-customized.",
        }));

    /// <summary>The texts of a VM that nobody gave any: those that can be chosen say Xen or nothing.</summary>
    private static bool IsGeneric(XenStruct strings) =>
        strings.Names.Zip(strings.Values).Where(s => !s.First.StartsWith("oem-", StringComparison.Ordinal)).All(s => s.Second.ToString() == s.First switch
        {
            "bios-vendor" or "system-manufacturer" => "Xen",
            "system-product-name" => "HVM domU",
            _ => "",
        });
}
