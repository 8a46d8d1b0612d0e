using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Editions and licences of hosts.</summary>
public static class HostLicenceCommands
{
    [XeCommand("host-all-editions")]
    public static async Task EditionsAsync(XeCall call)
    {
        var host = await call.Api.TextAsync("session.get_this_host", call.Api.Session);
        await call.Printer.ItemsAsync(await call.Api.ListAsync("host.get_editions", host));
    }

    [XeCommand("host-apply-edition")]
    public static async Task ApplyEditionAsync(XeCall call)
    {
        var host = await call.HostOrThisAsync("host-uuid");
        await LicenceServer.WithChangesAsync(
            call, [host], () => call.Api.CallAsync("host.apply_edition", host, call.Parameters.Required("edition"), false));
    }

    [XeCommand("pool-apply-edition")]
    public static async Task ApplyPoolEditionAsync(XeCall call) => await LicenceServer.WithChangesAsync(
        call, await call.Api.ListAsync("host.get_all"), () => call.ActOnPoolAsync("pool.apply_edition", call.Parameters.Required("edition")));

    [XeCommand("host-license-add")]
    public static async Task AddAsync(XeCall call)
    {
        var host = await call.HostOrThisAsync("host-uuid");
        var licence = await call.ReadBytesAsync(call.Parameters.Required("license-file"), "license file.");
        try
        {
            await call.Api.CallAsync("host.license_add", host, Convert.ToBase64String(licence));
        }
        catch (XenException)
        {
            throw await call.FailedAsync("Failed to apply license file.");
        }

        await call.Terminal.PrintAsync("License applied.");
    }

    [XeCommand("host-license-remove")]
    public static async Task RemoveAsync(XeCall call) => await call.Api.CallAsync("host.license_remove", await call.HostOrThisAsync("host-uuid"));

    [XeCommand("host-license-view")]
    public static async Task ViewAsync(XeCall call)
    {
        var licence = (XenStruct)await call.Api.CallAsync("host.get_license_params", await call.HostOrThisAsync("host-uuid"));
        await call.PrintTableAsync(licence.Without("sku_type"));
    }
}
