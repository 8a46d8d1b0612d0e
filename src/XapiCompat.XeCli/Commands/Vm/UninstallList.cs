using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs with the disks that are theirs alone: shown to the user, and destroyed when the user agrees.</summary>
public sealed class UninstallList(XeCall call)
{
    private const string OwnerKey = "owner";

    private readonly List<string> _lines = [];
    private readonly List<Func<Task>> _work = [];

    /// <summary>Puts a VM on the list, with the disks of drives that own them and its suspend image.</summary>
    public async Task AddAsync(string vm)
    {
        var record = await call.Api.RecordAsync("VM", vm);
        _lines.Add("VM : " + record["uuid"] + " (" + record["name_label"] + ")");
        var disks = new List<string>();
        foreach (var vbd in await call.Api.ListAsync("VM.get_VBDs", vm))
        {
            if (await OwnDiskAsync(vbd) is { } vdi)
                disks.Add(vdi);
        }

        var image = record["suspend_VDI"]!.ToString()!;
        var suspended = await FindDiskAsync(image) is not null;
        foreach (var vdi in suspended ? disks.Append(image) : disks)
            _lines.Add(Line((await FindDiskAsync(vdi))!));
        _work.Add(() => DestroyAsync(vm, disks, suspended ? image : null));
    }

    /// <summary>Shows the list, asks unless <c>--force</c> is there, and destroys.</summary>
    public async Task RunAsync()
    {
        await call.Terminal.PrintAsync("The following items are about to be destroyed");
        foreach (var line in _lines)
            await call.Terminal.PrintAsync(line);
        if (!call.Parameters.Flag("force") && !await call.ConfirmAsync())
            return;
        foreach (var work in _work)
            await work();
        await call.Terminal.PrintAsync("All objects destroyed");
    }

    private static string Line(XenStruct vdi) =>
        "VDI: " + vdi["uuid"] + " (" + vdi["name_label"] + ") " + (((XenArray)vdi["VBDs"]!).Items.Count > 1 ? " ** WARNING: disk is shared by other VMs" : "");

    /// <summary>The disk in a drive that is marked as its owner.</summary>
    private async Task<string?> OwnDiskAsync(string vbd)
    {
        var config = (XenStruct)await call.Api.CallAsync("VBD.get_other_config", vbd);
        if (!config.Contains(OwnerKey))
            return null;
        var vdi = await call.Api.TextAsync("VBD.get_VDI", vbd);
        return await FindDiskAsync(vdi) is null ? null : vdi;
    }

    private async Task<XenStruct?> FindDiskAsync(string vdi)
    {
        try
        {
            return await call.Api.RecordAsync("VDI", vdi);
        }
        catch (XenException)
        {
            return null;
        }
    }

    private async Task DestroyAsync(string vm, IReadOnlyList<string> disks, string? image)
    {
        if (await call.Api.TextAsync("VM.get_power_state", vm) != "Halted")
            await call.Api.CallAsync("VM.hard_shutdown", vm);
        await call.Api.CallAsync("VM.destroy", vm);
        foreach (var vdi in disks)
            await call.Api.CallAsync("VDI.destroy", vdi);
        try
        {
            if (image is not null)
                await call.Api.CallAsync("VDI.destroy", image);
        }
        catch (XenException)
        {
            // A hard shutdown has removed it already.
        }
    }
}
