using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs that are placed with regard to each other.</summary>
public static class VmGroupCommands
{
    [XeCommand("vm-group-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync("VM_group.create", XenStruct.Of(
        ("name_label", call.Parameters.Required("name-label")), ("name_description", call.Parameters.Text("name-description")),
        ("placement", Choice.Of(call.Parameters.Required("placement"), "normal", "anti-affinity").Replace('-', '_'))));

    [XeCommand("vm-group-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VM_group.destroy");
}
