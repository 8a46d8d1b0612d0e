using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Certificates that hosts present.</summary>
public static class HostCertificateCommands
{
    [XeCommand("host-get-server-certificate")]
    public static Task GetAsync(XeCall call) =>
        call.ForEachHostAsync(async host => await call.Printer.LineAsync(await call.Api.TextAsync("host.get_server_certificate", host.Reference)), onlyOne: true);

    [XeCommand("host-refresh-server-certificate")]
    public static Task RefreshAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.refresh_server_certificate", host.Reference), onlyOne: true);

    [XeCommand("host-reset-server-certificate")]
    public static Task ResetAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.reset_server_certificate", host.Reference), onlyOne: true);

    [XeCommand("host-server-certificate-install")]
    public static async Task InstallAsync(XeCall call)
    {
        var p = call.Parameters;
        var certificate = await call.ReadAsync(p.Required("certificate"), "certificate");
        var key = await call.ReadAsync(p.Required("private-key"), "private key");
        if (p.Pairs.Count(pair => pair.Key == "certificate-chain") > 1)
            throw new XeException("Parameter certificate-chain is defined multiple times, define it only once.");
        var chain = p.Find("certificate-chain") is { } path ? await call.ReadAsync(path, "certificate chain") : "";
        await call.ForEachHostAsync(host => call.Api.CallAsync("host.install_server_certificate", host.Reference, certificate, key, chain), onlyOne: true);
    }
}
