using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Snapshots and templates where a command takes nothing else.</summary>
public static class VmKind
{
    public static Task<string> SnapshotAsync(XeCall call) => OfAsync(call, SnapshotUuid(call), "VM.get_is_a_snapshot", "snapshot");

    public static Task<string> TemplateAsync(XeCall call, string uuid) => OfAsync(call, uuid, "VM.get_is_a_template", "template");

    /// <summary>The uuid of a snapshot, which has two names on the command line.</summary>
    private static string SnapshotUuid(XeCall call) =>
        call.Parameters.Find("snapshot-uuid") ?? call.Parameters.Find("uuid")
        ?? throw new XeException("Required parameter not found: snapshot-uuid or uuid.");

    private static async Task<string> OfAsync(XeCall call, string uuid, string question, string kind)
    {
        var vm = await call.Api.ByUuidAsync("VM", uuid);
        return ((XenBool)await call.Api.CallAsync(question, vm)).Flag
            ? vm
            : throw new XeException("This works on a VM " + kind + " only, and " + uuid + " is not a VM " + kind + ".");
    }
}
