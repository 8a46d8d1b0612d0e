using XapiCompat.XeCli.Commands.Vm;

namespace XapiCompat.XeCli.Commands.Snapshots;

/// <summary>Snapshots of VMs, by uuid.</summary>
public static class SnapshotCommands
{
    [XeCommand("snapshot-revert")]
    public static async Task RevertAsync(XeCall call) => await call.Api.CallAsync("VM.revert", await VmKind.SnapshotAsync(call));

    [XeCommand("snapshot-clone")]
    public static Task CloneAsync(XeCall call) => MakeAsync(call, (snapshot, name) => call.Api.TextAsync("VM.clone", snapshot, name));

    [XeCommand("snapshot-copy")]
    public static async Task CopyAsync(XeCall call)
    {
        var sr = await call.RefOrNullAsync("SR", "sr-uuid");
        await MakeAsync(call, (snapshot, name) => call.Api.TextAsync("VM.copy", snapshot, name, sr));
    }

    /// <summary>Removes the snapshot, not its disks.</summary>
    [XeCommand("snapshot-destroy")]
    public static async Task DestroyAsync(XeCall call)
    {
        var snapshot = await VmKind.SnapshotAsync(call);
        if (await call.Api.TextAsync("VM.get_power_state", snapshot) != "Halted")
            await call.Api.CallAsync("VM.hard_shutdown", snapshot);
        await call.Api.CallAsync("VM.destroy", snapshot);
    }

    [XeCommand("snapshot-reset-powerstate")]
    public static async Task ResetAsync(XeCall call)
    {
        call.DemandForce();
        await call.Api.CallAsync("VM.power_state_reset", await VmKind.SnapshotAsync(call));
    }

    [XeCommand("snapshot-disk-list")]
    public static async Task ListDisksAsync(XeCall call) => await new DiskListing(call, "Disk").PrintAsync(await VmKind.SnapshotAsync(call));

    private static async Task MakeAsync(XeCall call, Func<string, string, Task<string>> make)
    {
        var made = await make(await VmKind.SnapshotAsync(call), call.Parameters.Required("new-name-label"));
        if (call.Parameters.Find("new-name-description") is { } description)
            await call.Api.CallAsync("VM.set_name_description", made, description);
        await call.PrintUuidAsync("VM", made);
    }
}
