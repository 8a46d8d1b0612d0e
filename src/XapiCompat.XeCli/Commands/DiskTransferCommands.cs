using XapiCompat.XeCli.Transfers;

namespace XapiCompat.XeCli.Commands;

/// <summary>Disks from and to files of the client.</summary>
public sealed class DiskTransferCommands
{
    [XeCommand("vdi-export")]
    public async Task ExportAsync(XeCall call)
    {
        var file = call.Parameters.Required("filename");
        var query = await QueryAsync(call, "format", "base");
        await new Transfer(call).RunAsync("VDI export", task => call.Terminal.HttpGetAsync(file, Url(call, "/export_raw_vdi", task, query)));
    }

    [XeCommand("vdi-import")]
    public async Task ImportAsync(XeCall call)
    {
        var file = call.Parameters.Required("filename");
        var query = await QueryAsync(call, "format");
        await new Transfer(call).RunAsync("VDI import", task => call.Terminal.HttpPutAsync(file, Url(call, "/import_raw_vdi", task, query)));
    }

    private static async Task<string> QueryAsync(XeCall call, params string[] passed)
    {
        var query = "&vdi=" + await call.Api.ByUuidAsync("VDI", call.Parameters.Required("uuid"));
        foreach (var name in passed)
        {
            if (call.Parameters.Find(name) is { } value)
                query += "&" + name + "=" + Uri.EscapeDataString(value);
        }

        return query;
    }

    private static string Url(XeCall call, string path, string task, string query) => path + "?session_id=" + call.Api.Session + "&task_id=" + task + query;
}
