namespace XapiCompat.XeCli.Commands.Access;

/// <summary>Who is logged in.</summary>
public static class SessionCommands
{
    [XeCommand("user-password-change")]
    public static Task ChangePasswordAsync(XeCall call) =>
        call.Api.CallAsync("session.change_password", call.Parameters.Text("old"), call.Parameters.Required("new"));

    [XeCommand("session-subject-identifier-list")]
    public static async Task ListAsync(XeCall call)
    {
        var identifiers = await call.Api.ListAsync("session.get_all_subject_identifiers");
        await call.Printer.TableAsync([.. identifiers.Select(i => new[] { KeyValuePair.Create("subject-identifier ( RO)", i) })]);
    }

    [XeCommand("session-subject-identifier-logout")]
    public static Task LogoutAsync(XeCall call) =>
        call.Api.CallAsync("session.logout_subject_identifier", call.Parameters.Required("subject-identifier"));

    [XeCommand("session-subject-identifier-logout-all")]
    public static async Task LogoutAllAsync(XeCall call)
    {
        foreach (var identifier in await call.Api.ListAsync("session.get_all_subject_identifiers"))
            await call.Api.CallAsync("session.logout_subject_identifier", identifier);
    }
}
