namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>Whom the pool believes.</summary>
public static class PoolSecurityCommands
{
    [XeCommand("pool-enable-tls-verification")]
    public static Task EnableVerificationAsync(XeCall call) => call.Api.CallAsync("pool.enable_tls_verification");

    /// <summary>Old TLS is gone: nothing is left to do.</summary>
    [XeCommand("pool-disable-ssl-legacy")]
    public static Task DisableOldTlsAsync(XeCall call) => Task.CompletedTask;

    [XeCommand("pool-enable-client-certificate-auth")]
    public static Task EnableClientCertificatesAsync(XeCall call) =>
        call.ActOnPoolAsync("pool.enable_client_certificate_auth", call.Parameters.Required("name"));

    [XeCommand("pool-disable-client-certificate-auth")]
    public static Task DisableClientCertificatesAsync(XeCall call) => call.ActOnPoolAsync("pool.disable_client_certificate_auth");

    [XeCommand("pool-enable-external-auth")]
    public static Task EnableDirectoryAsync(XeCall call) => call.ActOnPoolAsync(
        "pool.enable_external_auth", call.Parameters.Struct("config"), call.Parameters.Required("service-name"), call.Parameters.Required("auth-type"));

    [XeCommand("pool-disable-external-auth")]
    public static Task DisableDirectoryAsync(XeCall call) => call.ActOnPoolAsync("pool.disable_external_auth", call.Parameters.Struct("config"));

    [XeCommand("pool-external-auth-set-ldaps")]
    public static Task SetLdapsAsync(XeCall call) =>
        call.ActOnPoolAsync("pool.external_auth_set_ldaps", call.Parameters.Flag("ldaps"), call.Parameters.Flag("force"));
}
