using System.Xml;
using System.Xml.Linq;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>A VM from a template, with the disks that the template asks for; it is not started.</summary>
public static class VmInstallCommands
{
    private const string DisksKey = "disks";

    [XeCommand("vm-install")]
    public static async Task InstallAsync(XeCall call)
    {
        var template = await TemplateChoice.FindAsync(call);
        var sr = await InstallSr.ChosenAsync(call, template);
        var suspendSr = sr ?? await call.Api.TextAsync("VM.get_suspend_SR", template);
        var diskSr = sr ?? await call.DefaultSrAsync();
        if (diskSr is null && Disks(await call.Api.CallAsync("VM.get_other_config", template)) is not null)
            throw new XeException("The pool has no valid default SR. Name one with sr-name-label or sr-uuid.");

        var name = call.Parameters.Required("new-name-label");
        var vm = sr is null ? await call.Api.TextAsync("VM.clone", template, name) : await call.Api.TextAsync("VM.copy", template, name, sr);
        try
        {
            await call.Api.CallAsync("VM.set_name_description", vm, "Installed via xe CLI");
            await call.Api.CallAsync("VM.set_suspend_SR", vm, suspendSr);
            await PlaceDisksAsync(call, vm, diskSr is null ? "" : await call.Api.UuidAsync("SR", diskSr));
            await call.Api.CallAsync("VM.set_has_vendor_device", vm, await WantsVendorDeviceAsync(call, template));
            await call.Api.CallAsync("VM.provision", vm);
            if (call.Parameters.Has("copy-bios-strings-from"))
                await call.Api.CallAsync("VM.copy_bios_strings", vm, await call.RefAsync("host", "copy-bios-strings-from"));
            await call.PrintUuidAsync("VM", vm);
        }
        catch
        {
            await UndoAsync(call, vm);
            throw;
        }
    }

    private static string? Disks(XenValue otherConfig) => ((XenStruct)otherConfig)[DisksKey]?.ToString();

    /// <summary>Points the disks that are to be made at the SR.</summary>
    private static async Task PlaceDisksAsync(XeCall call, string vm, string srUuid)
    {
        if (Disks(await call.Api.CallAsync("VM.get_other_config", vm)) is not { } text)
            return;
        var plan = Read(text) ?? throw new XeException("The template's list of disks cannot be read");
        if (plan.Name.LocalName == "provision")
        {
            foreach (var disk in plan.Elements("disk").Where(d => d.Attribute("sr") is not null))
                disk.SetAttributeValue("sr", srUuid);
        }

        await call.Api.CallAsync("VM.remove_from_other_config", vm, DisksKey);
        await call.Api.CallAsync("VM.add_to_other_config", vm, DisksKey, plan.ToString(SaveOptions.DisableFormatting));
    }

    private static async Task<bool> WantsVendorDeviceAsync(XeCall call, string template)
    {
        var recommendations = Read(await call.Api.TextAsync("VM.get_recommendations", template));
        var recommended = recommendations?.DescendantsAndSelf("restriction")
            .FirstOrDefault(r => (string?)r.Attribute("field") == "has-vendor-device")?.Attribute("value")?.Value == "true";
        return recommended && !((XenBool)await call.Api.CallAsync("pool.get_policy_no_vendor_device", (await call.Api.ListAsync("pool.get_all"))[0])).Flag;
    }

    private static XElement? Read(string text)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            return XElement.Load(reader);
        }
        catch (XmlException)
        {
            return null;
        }
    }

    private static async Task UndoAsync(XeCall call, string vm)
    {
        try
        {
            await call.Api.CallAsync("VM.destroy", vm);
        }
        catch (XenException)
        {
            // The first failure is the one to tell.
        }
    }
}
