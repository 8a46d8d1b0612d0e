using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>UEFI variables and secure boot, as far as they are data.</summary>
public sealed class VmFirmwareHandlers(RecordStore store)
{
    private const string Variables = "EFI-variables";

    /// <summary>Written by the firmware's helper while the guest runs, hence without a rule.</summary>
    [XenMessage("VM.set_NVRAM_EFI_variables")]
    public void SetNvramEfiVariables(CallContext context, Ref self, string value, string update) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", self);
        unit.Set(self.Text, "NVRAM", vm.Map("NVRAM").With(Variables, value));
        if (update != "no")
            unit.Set(self.Text, "secureboot_certificates_state", "ok");
    });

    /// <summary>Setup mode is the absence of the platform's own variables; user mode needs them, with what a start enrols.</summary>
    [XenMessage("VM.set_uefi_mode")]
    public string SetUefiMode(CallContext context, Ref self, string mode) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", self);
        if (vm.Text("power_state") != "Halted")
            throw new XenException("VM_BAD_POWER_STATE", self.Text, "halted", vm.Text("power_state").ToLowerInvariant());
        if (!DomainTypes.IsUefi(vm))
            throw new XenException("OPERATION_NOT_ALLOWED", "the VM does not boot by UEFI");
        unit.Set(self.Text, "NVRAM", mode == "setup" ? vm.Map("NVRAM").With(Variables, "") : vm.Map("NVRAM").Without(Variables));
        return "";
    });

    [XenMessage("VM.get_secureboot_readiness")]
    public string GetSecurebootReadiness(CallContext context, Ref self)
    {
        var vm = store.Current.Get("VM", self);
        if (!DomainTypes.IsUefi(vm))
            return "not_supported";
        if (vm.Map("platform")["secureboot"]?.ToString() is not ("true" or "1"))
            return "disabled";
        return vm.Map("NVRAM")[Variables]?.ToString() switch
        {
            null => "first_boot",
            "" => "setup_mode",
            _ => "ready",
        };
    }

    [XenMessage("VM.update_secureboot_certificates_on_boot")]
    public void UpdateSecurebootCertificatesOnBoot(CallContext context, Ref self, bool mark) => store.Commit(unit =>
    {
        var state = unit.Get("VM", self).Text("secureboot_certificates_state");
        if (state is not ("update_available" or "update_on_boot"))
            throw new XenException("OPERATION_NOT_ALLOWED", "no update of the certificates is available");
        unit.Set(self.Text, "secureboot_certificates_state", mark ? "update_on_boot" : "update_available");
    });
}
