using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs that move to another host of the pool.</summary>
public static class VmMigrateCommands
{
    private static readonly string[] StorageParameters =
        ["remote-master", "remote-username", "remote-password", "remote-network", "vif", "vdi", "vgpu", "image-format"];

    [XeCommand("vm-migrate")]
    public static async Task MigrateAsync(XeCall call)
    {
        if (call.Parameters.Pairs.Any(p => StorageParameters.Any(name => p.Key.StartsWith(name, StringComparison.Ordinal))))
            RefuseStorageMotion(call);
        var name = call.Parameters.Find("host") ?? call.Parameters.Find("host-uuid") ?? call.Parameters.Find("host-name")
            ?? throw new XeException("No destination host specified");
        var host = await call.NamedHostAsync(name);
        var options = XenStruct.Of(Options(call));
        await call.Without("host-name").ForEachVmAsync(vm => call.Api.CallAsync("VM.pool_migrate", vm.Reference, host, options), controlDomainsToo: true);
    }

    private static IEnumerable<KeyValuePair<string, string>> Options(XeCall call)
    {
        if (call.Parameters.Find("compress") is { } compress)
            yield return KeyValuePair.Create("compress", compress);
        foreach (var option in new[] { "force", "live", "copy" })
            yield return KeyValuePair.Create(option, call.Parameters.Flag(option) ? "true" : "false");
    }

    /// <summary>Another pool would have to be called, or disks moved beside a VM that runs: this server does neither.</summary>
    private static void RefuseStorageMotion(XeCall call)
    {
        if (new[] { "remote-master", "remote-username", "remote-password" }.Any(name => !call.Parameters.Has(name)))
            throw new XeException("A migration with storage needs remote-master, remote-username and remote-password. See 'xe help vm-migrate'.");
        throw new XeException("This server moves VMs between hosts of its own pool only and calls no other pool; vdi-pool-migrate moves disks.");
    }
}
