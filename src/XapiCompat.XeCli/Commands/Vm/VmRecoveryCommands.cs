using XapiCompat.XeCli.Api;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs of another pool, brought over from the copy of its database that a disk holds.</summary>
public static class VmRecoveryCommands
{
    [XeCommand("vm-recover")]
    public static Task RecoverAsync(XeCall call) => InDatabaseAsync(call, (api, vm) =>
        api.CallAsync("VM.recover", vm, call.Api.Session, call.Parameters.Flag("force")));

    [XeCommand("vm-assert-can-be-recovered")]
    public static Task AssertAsync(XeCall call) => InDatabaseAsync(call, (api, vm) => api.CallAsync("VM.assert_can_be_recovered", vm, call.Api.Session));

    /// <summary>Works in a session on the database, which ends with the command.</summary>
    private static async Task InDatabaseAsync(XeCall call, Func<XeApi, string, Task> work)
    {
        if (call.Parameters.Map("database").FirstOrDefault(p => p.Key == "vdi-uuid").Value is not { } uuid)
            throw new XeException("This command needs a parameter of the form 'database:vdi-uuid=<uuid>'.");
        var database = call.Api.In(await call.Api.TextAsync("VDI.open_database", await call.Api.ByUuidAsync("VDI", uuid)));
        try
        {
            await work(database, await database.ByUuidAsync("VM", call.Parameters.Required("uuid")));
        }
        finally
        {
            await database.CallAsync("session.logout");
        }
    }
}
