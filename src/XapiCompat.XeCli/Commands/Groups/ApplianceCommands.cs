using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Groups;

/// <summary>VMs that start and stop together.</summary>
public static class ApplianceCommands
{
    [XeCommand("appliance-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync("VM_appliance.create", XenStruct.Of(
        ("name_label", call.Parameters.Required("name-label")), ("name_description", call.Parameters.Text("name-description"))));

    [XeCommand("appliance-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VM_appliance.destroy");

    [XeCommand("appliance-start")]
    public static Task StartAsync(XeCall call) => call.ActAsync("VM_appliance.start", call.Parameters.Flag("paused"));

    [XeCommand("appliance-shutdown")]
    public static Task ShutdownAsync(XeCall call) =>
        call.ActAsync(call.Parameters.Flag("force") ? "VM_appliance.hard_shutdown" : "VM_appliance.clean_shutdown");
}
