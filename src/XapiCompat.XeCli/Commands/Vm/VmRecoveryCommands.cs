namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs of another pool, brought over from the copy of its database that a disk holds.</summary>
public static class VmRecoveryCommands
{
    [XeCommand("vm-recover")]
    [XeCommand("vm-assert-can-be-recovered")]
    public static async Task RecoverAsync(XeCall call)
    {
        if (call.Parameters.Map("database").FirstOrDefault(p => p.Key == "vdi-uuid").Value is not { } uuid)
            throw new XeException("A parameter of the form 'database:vdi-uuid=<uuid>' must be specified to run this command.");
        await call.Api.CallAsync("VDI.open_database", await call.Api.ByUuidAsync("VDI", uuid));
        throw new XeException("This server recovers no VMs from the database of another pool.");
    }
}
