using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>Storage of another pool, attached to look for copies of its database.</summary>
public static class DisasterRecoveryCommands
{
    [XeCommand("drtask-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync(
        "DR_task.create", call.Parameters.Required("type"), call.Parameters.Struct("device-config"), XenArray.Of(call.Parameters.List("sr-whitelist")));

    [XeCommand("drtask-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("DR_task.destroy");
}
