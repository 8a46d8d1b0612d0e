namespace XapiCompat.XeCli.Commands.Messages;

/// <summary>Pieces of data that belong to objects.</summary>
public static class BlobCommands
{
    private static readonly (string Parameter, string Class)[] Owners =
        [("vm-uuid", "VM"), ("pool-uuid", "pool"), ("sr-uuid", "SR"), ("host-uuid", "host"), ("network-uuid", "network")];

    [XeCommand("blob-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var @public = p.Flag("public");
        foreach (var (parameter, @class) in Owners)
        {
            if (!p.Has(parameter))
                continue;
            var owner = await call.RefAsync(@class, parameter);
            var blob = await call.Api.TextAsync(@class + ".create_new_blob", owner, p.Required("name"), p.Text("mime-type"), @public);
            await call.PrintUuidAsync("blob", blob);
            return;
        }

        throw new XeException("Need one of: vm-uuid, host-uuid, network-uuid, sr-uuid or pool-uuid");
    }

    [XeCommand("blob-get")]
    [XeCommand("blob-put")]
    public static async Task TransferAsync(XeCall call)
    {
        await call.RefAsync("blob");
        throw new XeException("The content of blobs cannot be transferred: this server has no handler for /blob.");
    }
}
