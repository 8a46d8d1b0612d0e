using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>CD drives of VMs, and the images in ISO libraries by name.</summary>
public static class VmCdCommands
{
    /// <summary>The name of a drive without a CD, for vm-cd-remove.</summary>
    private const string Empty = "<EMPTY>";

    [XeCommand("cd-list")]
    public static async Task ListImagesAsync(XeCall call)
    {
        var images = new List<string>();
        foreach (var (_, sr) in (await call.Api.RecordsAsync("SR")).Where(s => s.Value["content_type"]!.ToString() == "iso"))
            images.AddRange(((XenArray)sr["VDIs"]!).Items.Select(v => v.ToString()!));
        await call.PrintRecordsAsync("vdi", images, call.ColumnsOr("params", "name-label", "uuid"));
    }

    [XeCommand("vm-cd-list")]
    public static Task ListAsync(XeCall call) => call.ForEachVmAsync(vm => new DiskListing(call, "CD").PrintAsync(vm.Reference));

    [XeCommand("vm-cd-add")]
    public static async Task AddAsync(XeCall call)
    {
        var name = call.Parameters.Required("cd-name");
        var device = call.Parameters.Required("device");
        var image = await ImagesAsync(call, name) is [var first, ..] ? first : throw new XeException("CD " + name + " not found!");
        await call.Without("cd-location").ForEachVmAsync(vm => call.AddDriveAsync(vm.Reference, image, device, "CD", XenStruct.Empty));
    }

    [XeCommand("vm-cd-remove")]
    public static Task RemoveAsync(XeCall call)
    {
        var name = call.Parameters.Required("cd-name");
        return call.ForEachVmAsync(async vm =>
        {
            foreach (var (vbd, record) in await call.DrivesAsync(vm.Reference))
            {
                if (await NameAsync(call, record["VDI"]!) != name)
                    continue;
                await call.Api.CallAsync("VBD.destroy", vbd);
                return;
            }

            throw new XeException("Disk not found");
        });
    }

    [XeCommand("vm-cd-eject")]
    public static Task EjectAsync(XeCall call) => call.ForEachVmAsync(async vm =>
    {
        var drives = (await call.DrivesAsync(vm.Reference)).Where(IsCd).ToList();
        await call.Api.CallAsync("VBD.eject", drives switch
        {
            [] => throw new XeException("No CDs found"),
            [var drive] => drive.Key,
            _ => throw new XeException("Two or more CDs found. Please use vbd-eject"),
        });
    });

    [XeCommand("vm-cd-insert")]
    public static async Task InsertAsync(XeCall call)
    {
        var name = call.Parameters.Required("cd-name");
        var image = await ImagesAsync(call, name) switch
        {
            [] => throw new XeException("CD " + name + " not found"),
            [var only] => only,
            _ => throw new XeException("Multiple CDs named " + name + " found. Please use vbd-insert and specify uuids"),
        };
        await call.ForEachVmAsync(async vm =>
        {
            var drives = (await call.DrivesAsync(vm.Reference)).Where(d => IsCd(d) && ((XenBool)d.Value["empty"]!).Flag).ToList();
            await call.Api.CallAsync("VBD.insert", drives switch
            {
                [] => throw new XenException("VM_NO_EMPTY_CD_VBD", vm.Reference),
                [var drive] => drive.Key,
                _ => throw new XeException("Two or more empty CD devices found. Please use vbd-insert"),
            }, image);
        });
    }

    private static bool IsCd(KeyValuePair<string, XenStruct> drive) => drive.Value["type"]!.ToString() == "CD";

    /// <summary>The images of that name in ISO libraries.</summary>
    private static async Task<IReadOnlyList<string>> ImagesAsync(XeCall call, string name)
    {
        var images = new List<string>();
        foreach (var vdi in await call.Api.ListAsync("VDI.get_by_name_label", name))
        {
            if (await IsImageAsync(call, vdi))
                images.Add(vdi);
        }

        return images;
    }

    private static async Task<bool> IsImageAsync(XeCall call, XenValue vdi) =>
        await call.Api.TextAsync("SR.get_content_type", await call.Api.TextAsync("VDI.get_SR", vdi)) == "iso";

    /// <summary>Name of the image in a drive; null when something else is in it.</summary>
    private static async Task<string?> NameAsync(XeCall call, XenValue vdi)
    {
        try
        {
            return await IsImageAsync(call, vdi) ? await call.Api.TextAsync("VDI.get_name_label", vdi) : null;
        }
        catch (XenException)
        {
            return Empty;
        }
    }
}
