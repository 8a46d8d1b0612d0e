using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vmss;

/// <summary>Schedules of snapshots.</summary>
public static class VmssCommands
{
    private const long Kept = 7;

    [XeCommand("vmss-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync("VMSS.create", XenStruct.Of(
        ("name_label", call.Parameters.Required("name-label")), ("name_description", call.Parameters.Text("name-description")),
        ("enabled", call.Parameters.Flag("enabled", otherwise: true)),
        ("type", Choice.Of(call.Parameters.Required("type"), "snapshot", "checkpoint", "snapshot_with_quiesce")),
        ("retained_snapshots", call.Parameters.Whole("retained-snapshots", Kept)),
        ("frequency", Choice.Of(call.Parameters.Required("frequency"), "hourly", "daily", "weekly")),
        ("schedule", call.Parameters.Struct("schedule"))));

    [XeCommand("vmss-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VMSS.destroy");
}
