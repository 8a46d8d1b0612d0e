namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>Certificates that the hosts of the pool trust.</summary>
public static class PoolCertificateCommands
{
    [XeCommand("pool-install-ca-certificate")]
    [XeCommand("pool-certificate-install")]
    public static Task InstallAsync(XeCall call) => InstallAsync(call, "pool.install_ca_certificate", "certificate");

    [XeCommand("pool-uninstall-ca-certificate")]
    [XeCommand("pool-certificate-uninstall")]
    public static Task UninstallAsync(XeCall call) =>
        call.Api.CallAsync("pool.uninstall_ca_certificate", call.Parameters.Required("name"), call.Parameters.Flag("force"));

    [XeCommand("pool-certificate-list")]
    public static async Task ListAsync(XeCall call) => await call.Printer.ItemsAsync(await call.Api.ListAsync("pool.certificate_list"));

    [XeCommand("pool-crl-install")]
    public static Task InstallCrlAsync(XeCall call) => InstallAsync(call, "pool.crl_install", "CRL");

    [XeCommand("pool-crl-uninstall")]
    public static Task UninstallCrlAsync(XeCall call) => call.Api.CallAsync("pool.crl_uninstall", call.Parameters.Required("name"));

    [XeCommand("pool-crl-list")]
    public static async Task ListCrlsAsync(XeCall call) => await call.Printer.ItemsAsync(await call.Api.ListAsync("pool.crl_list"));

    [XeCommand("pool-install-trusted-certificate")]
    public static async Task InstallTrustedAsync(XeCall call)
    {
        var p = call.Parameters;
        var ca = p.Flag("ca", otherwise: true);
        var purposes = p.List("purpose").Select(purpose => Choice.Of(purpose, "licensing", "ldaps")).ToList();
        var certificate = await call.ReadAsync(p.Required("filename"), "certificate");
        await call.ActOnPoolAsync("pool.install_trusted_certificate", ca, certificate, Values.XenArray.Of(purposes));
    }

    [XeCommand("pool-uninstall-trusted-certificate")]
    public static async Task UninstallTrustedAsync(XeCall call) => await call.ActOnPoolAsync(
        "pool.uninstall_trusted_certificate", await call.RefAsync("Certificate", "certificate-uuid"));

    /// <summary>The pool keeps the file under its own name.</summary>
    private static async Task InstallAsync(XeCall call, string message, string what)
    {
        var path = call.Parameters.Required("filename");
        var text = await call.ReadAsync(path, what);
        await call.Api.CallAsync(message, Path.GetFileName(path), text);
    }
}
