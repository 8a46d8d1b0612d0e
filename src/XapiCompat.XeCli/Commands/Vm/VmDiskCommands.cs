using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Disks of VMs, by the position of their drives.</summary>
public static class VmDiskCommands
{
    private const string Made = "Created by xe";

    [XeCommand("vm-disk-list")]
    public static Task ListAsync(XeCall call) => call.ForEachVmAsync(vm => new DiskListing(call, "Disk").PrintAsync(vm.Reference));

    [XeCommand("vm-disk-add")]
    public static async Task AddAsync(XeCall call)
    {
        var size = call.Parameters.Size("disk-size");
        var device = call.Parameters.Required("device");
        var sr = await call.SrOrDefaultAsync();
        await call.ForEachVmAsync(async vm =>
        {
            var vdi = await call.Api.TextAsync("VDI.create", XenStruct.Of(
                ("name_label", Made), ("name_description", Made), ("SR", sr), ("virtual_size", size), ("type", "user"), ("sharable", false),
                ("read_only", false), ("other_config", XenStruct.Empty),
                ("sm_config", XenStruct.Of(("vmhint", await call.Api.UuidAsync("VM", vm.Reference))))));
            try
            {
                await call.AddDriveAsync(vm.Reference, vdi, device, "Disk", XenStruct.Of(("owner", "")));
            }
            catch (XenException)
            {
                await call.Api.CallAsync("VDI.destroy", vdi);
                throw;
            }
        });
    }

    /// <summary>The drive goes, and the disk with it.</summary>
    [XeCommand("vm-disk-remove")]
    public static Task RemoveAsync(XeCall call)
    {
        var device = call.Parameters.Required("device");
        return call.ForEachVmAsync(async vm =>
        {
            var (vbd, record) = (await call.DrivesAsync(vm.Reference)).FirstOrDefault(d => d.Value["userdevice"]!.ToString() == device);
            if (vbd is null)
                throw new XeException("Disk not found");
            await call.Api.CallAsync("VBD.destroy", vbd);
            await call.Api.CallAsync("VDI.destroy", record["VDI"]!);
        });
    }
}
