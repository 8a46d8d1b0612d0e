using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs as files. This server has no such files yet, so nothing is started before the refusal.</summary>
public static class VmTransferCommands
{
    [XeCommand("vm-export")]
    public static Task ExportAsync(XeCall call) => call.Without("task-uuid").ForEachVmAsync(_ => throw NoExport());

    [XeCommand("template-export")]
    public static async Task ExportTemplateAsync(XeCall call)
    {
        await VmKind.TemplateAsync(call, call.Parameters.Required("template-uuid"));
        throw NoExport();
    }

    [XeCommand("snapshot-export-to-template")]
    public static async Task ExportSnapshotAsync(XeCall call)
    {
        await VmKind.SnapshotAsync(call);
        throw NoExport();
    }

    [XeCommand("vm-import")]
    public static async Task ImportAsync(XeCall call)
    {
        var sr = await call.SrOrDefaultAsync();
        if (call.Parameters.Has("url") && call.Parameters.Has("filename"))
            throw await call.FailedAsync("A VM comes from a url or from a filename, not from both.");
        if (call.Parameters.Text("type", "default").ToLowerInvariant() is not ("default" or "xenserver") and var type)
        {
            await call.Api.CallAsync(
                "VM.import_convert", type, call.Parameters.Required("host-username"), call.Parameters.Required("host-password"), sr,
                call.Parameters.Struct("remote-config"));
            return;
        }

        if (!call.Parameters.Has("url") && !call.Parameters.Has("filename"))
            throw new XeMissingParameterException("filename");
        throw new XeException("This server cannot import VMs: it has no /import. Nothing was created; vdi-import brings disks.");
    }

    private static XeException NoExport() => new("This server cannot export VMs: it has no /export. Nothing was created; vdi-export saves disks.");
}
