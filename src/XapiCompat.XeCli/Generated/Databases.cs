using XapiCompat.XeCli.Records;

namespace XapiCompat.XeCli.Generated;

/// <summary>Commands that can look into a stored database in place of the live one.</summary>
internal static class Databases
{
    public const string Prefix = "database:";

    public static async Task UseAsync(XeCall call, Func<XeCall, Task> command)
    {
        var disk = call.Parameters.Find(Prefix + "vdi-uuid");
        var file = call.Parameters.Find(Prefix + "filename");
        if (disk is not null && file is not null)
            throw new XeException("A database is read from a disk or from a file, not from both");
        if (disk is null && file is null)
        {
            await command(call);
            return;
        }

        var session = disk is not null
            ? await call.Api.TextAsync("VDI.open_database", await call.Api.ByUuidAsync("VDI", disk))
            : await call.Api.TextAsync("session.create_from_db_file", file!);
        var api = call.Api.In(session);
        try
        {
            await command(call with { Api = api, Records = new LiveRecords(api, ((LiveRecords)call.Records).Tables) });
        }
        finally
        {
            await api.CallAsync("session.logout");
        }
    }
}
