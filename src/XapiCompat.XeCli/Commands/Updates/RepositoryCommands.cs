namespace XapiCompat.XeCli.Commands.Updates;

/// <summary>Where updates come from.</summary>
public static class RepositoryCommands
{
    [XeCommand("repository-introduce")]
    public static Task IntroduceAsync(XeCall call)
    {
        var p = call.Parameters;
        return call.CreateAsync(
            "Repository.introduce", p.Required("name-label"), p.Text("name-description"), p.Required("binary-url"), p.Required("source-url"),
            p.Flag("update"), p.Text("gpgkey-path"));
    }

    [XeCommand("repository-introduce-bundle")]
    public static Task IntroduceBundleAsync(XeCall call) =>
        call.CreateAsync("Repository.introduce_bundle", call.Parameters.Required("name-label"), call.Parameters.Text("name-description"));

    [XeCommand("repository-introduce-remote-pool")]
    public static async Task IntroduceRemotePoolAsync(XeCall call)
    {
        var p = call.Parameters;
        var certificate = await call.ReadAsync(p.Required("certificate-file"), "certificate file");
        await call.CreateAsync(
            "Repository.introduce_remote_pool", p.Required("name-label"), p.Text("name-description"), p.Required("binary-url"), certificate);
    }

    [XeCommand("repository-forget")]
    public static Task ForgetAsync(XeCall call) => call.ActAsync("Repository.forget");

    [XeCommand("repository-set-gpgkey-path")]
    public static Task SetKeyAsync(XeCall call) => call.ActAsync("Repository.set_gpgkey_path", call.Parameters.Required("gpgkey-path"));
}
