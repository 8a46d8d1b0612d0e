using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>The end of VMs, templates and snapshots together with their disks.</summary>
public static class UninstallCommands
{
    /// <summary>The snapshots of a VM go with it.</summary>
    [XeCommand("vm-uninstall")]
    public static async Task UninstallVmAsync(XeCall call)
    {
        var vms = new List<string>();
        await call.ForEachVmAsync(vm =>
        {
            vms.Add(vm.Reference);
            return Task.CompletedTask;
        });
        foreach (var vm in vms.ToList())
            vms.AddRange(await call.Api.ListAsync("VM.get_snapshots", vm));
        await UninstallAsync(call, vms);
    }

    [XeCommand("template-uninstall")]
    public static async Task UninstallTemplateAsync(XeCall call) =>
        await UninstallAsync(call, [await VmKind.TemplateAsync(call, call.Parameters.Required("template-uuid"))]);

    [XeCommand("snapshot-uninstall")]
    public static async Task UninstallSnapshotAsync(XeCall call) =>
        await UninstallAsync(call, [await VmKind.SnapshotAsync(call)]);

    private static async Task UninstallAsync(XeCall call, IEnumerable<string> vms)
    {
        var list = new UninstallList(call);
        foreach (var vm in vms)
            await list.AddAsync(vm);
        await list.RunAsync();
    }
}
