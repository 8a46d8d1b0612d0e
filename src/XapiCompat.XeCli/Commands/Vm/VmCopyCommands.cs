using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>New VMs, templates and snapshots from those that are selected; each prints the uuids of what it made.</summary>
public static class VmCopyCommands
{
    [XeCommand("vm-clone")]
    public static Task CloneAsync(XeCall call) => MakeAsync(call, (vm, name) => call.Api.TextAsync("VM.clone", vm, name), templatesToo: true);

    [XeCommand("vm-snapshot")]
    public static async Task SnapshotAsync(XeCall call)
    {
        var ignored = await call.RefsAsync("VDI", "ignore-vdi-uuids");
        await MakeAsync(call, (vm, name) => call.Api.TextAsync("VM.snapshot", vm, name, ignored));
    }

    [XeCommand("vm-snapshot-with-quiesce")]
    public static Task QuiesceAsync(XeCall call) => MakeAsync(call, (vm, name) => call.Api.TextAsync("VM.snapshot_with_quiesce", vm, name));

    [XeCommand("vm-checkpoint")]
    public static Task CheckpointAsync(XeCall call) => MakeAsync(call, (vm, name) => call.Api.TextAsync("VM.checkpoint", vm, name));

    [XeCommand("vm-copy")]
    public static async Task CopyAsync(XeCall call)
    {
        var sr = await call.RefOrNullAsync("SR", "sr-uuid");
        await MakeAsync(call, (vm, name) => call.Api.TextAsync("VM.copy", vm, name, sr), templatesToo: true, onlyOne: true);
    }

    /// <summary>Of several new ones the last comes first, and it alone gets the description, as ever.</summary>
    private static async Task MakeAsync(XeCall call, Func<string, string, Task<string>> make, bool templatesToo = false, bool onlyOne = false)
    {
        var name = call.Parameters.Required("new-name-label");
        var made = new List<string>();
        await call.ForEachVmAsync(async vm => made.Insert(0, await make(vm.Reference, name)), templatesToo, onlyOne);
        if (call.Parameters.Find("new-name-description") is { } description && made.Count > 0)
            await call.Api.CallAsync("VM.set_name_description", made[0], description);
        var uuids = new List<string>();
        foreach (var reference in made)
            uuids.Add(await call.Api.UuidAsync("VM", reference));
        await call.Printer.ItemsAsync(uuids);
    }
}
