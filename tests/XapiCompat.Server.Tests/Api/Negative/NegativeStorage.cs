using XapiCompat.Server.Tests.Api.Repositories;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>SRs, PBDs and disks without VMs, in every state that the tables name.</summary>
internal sealed class NegativeStorage(NegativeWorld world, DiskClient disks)
{
    private XenClient Api => disks.Api;

    public async Task MakeAsync()
    {
        world.Call("pool", (await Api.ListAsync("pool.get_all"))[0]);
        world.Call("host", (await Api.ListAsync("host.get_all"))[0]);
        world.Call("sr", await disks.DefaultSrAsync());
        world.Call("pbd", (await Api.ListAsync("SR.get_PBDs", world["sr"]))[0]);
        world.Call("tools", (await Api.ListAsync("SR.get_all_where", "field \"is_tools_sr\" = \"true\""))[0]);
        world.Call("dvd", (await Api.ListAsync("SR.get_all_where", "field \"type\" = \"udev\""))[0]);
        var rig = await SrRig.CreateAsync(Server);
        await MakeRepositoriesAsync(rig);
        await MakeDisksAsync();
    }

    private RunningServer Server => world.Server;

    private async Task MakeRepositoriesAsync(SrRig rig)
    {
        var iso = rig.NewPlace();
        Directory.CreateDirectory(iso);
        foreach (var name in (string[])["a.iso", "b.iso"])
            await File.WriteAllBytesAsync(Path.Combine(iso, name), new byte[2048]);
        world.Call("iso", await Api.TextAsync("SR.create", rig.Host, JsonArguments.Map(("location", iso)), 0, "images", "", "iso", "iso", false, JsonArguments.Map()));
        await Api.CallAsync("SR.scan", world["iso"]);
        var images = await Api.ListAsync("SR.get_VDIs", world["iso"]);
        world.Call("image", images[0]);
        world.Call("other_image", images[1]);

        world.Call("plugged", await rig.MakeFileAsync());
        world.Call("plugged_pbd", await rig.PbdAsync(world["plugged"]));
        world.Call("plugged_disk", await rig.DiskAsync(world["plugged"]));
        world.Call("unplugged", await rig.MakeFileAsync());
        await rig.UnplugAsync(world["unplugged"]);
        world.Call("stuffed", await rig.MakeFileAsync());
        world.Call("stuffed_disk", await rig.DiskAsync(world["stuffed"]));
        await rig.UnplugAsync(world["stuffed"]);
        world.Call("sacred", await rig.MakeFileAsync());
        await rig.UnplugAsync(world["sacred"]);
        await Api.CallAsync("SR.add_to_other_config", world["sacred"], "indestructible", "true");
        world.Call("cache", await rig.MakeFileAsync());
        await rig.UnplugAsync(world["cache"]);
        world.Set(rig.Host, "local_cache_sr", world["cache"]);
        world.Call("nopbd", await rig.IntroduceAsync(Guid.NewGuid().ToString(), "file"));
        world.Call("strange", world.Insert("SR", ("type", "strange"), ("content_type", "user")));
        world.Call("strange_pbd", world.Insert("PBD", ("host", rig.Host), ("SR", world["strange"])));
    }

    private async Task MakeDisksAsync()
    {
        world.Call("free", await disks.CreateAsync(4 * Records.MiB));
        world.Call("small", await disks.CreateAsync(2 * Records.MiB));
        await disks.ImportAsync(world["free"], [1, 2, 3]);
        world.Call("snapdisk", await Api.TextAsync("VDI.snapshot", world["free"]));
        world.Call("base", world.Records.Current.All(world.Records.Model.Class("VDI")).First(v => !v.Flag("managed") && v.Target("SR") == world["sr"]).Reference);
        await MakeAsync("readonly", "read_only", true);
        await MakeAsync("sharable", "sharable", true);
        await MakeAsync("resetting", "on_boot", "reset");
        await MakeAsync("cbt", "cbt_enabled", true);
        foreach (var (name, type) in (IEnumerable<(string, string)>)[
            ("cbtmeta", "cbt_metadata"), ("statefile", "ha_statefile"), ("redolog", "redo_log"), ("rrd", "rrd"), ("suspendimage", "suspend"), ("metadata", "metadata")])
            await MakeAsync(name, "type", type);
        await MakeAsync("busydisk", "type", "user");
        world.Run(world["busydisk"], "snapshot");
        await MakeAsync("copied", "type", "user");
        world.Run(world["copied"], "copy");
        world.Call("drive_disk", world.Insert("VDI", ("SR", world["dvd"]), ("managed", true), ("location", "/dev/sr0"), ("virtual_size", 1)));
        world.Call("tools_disk", world.Insert("VDI", ("SR", world["tools"]), ("managed", true), ("location", "tools.iso"), ("read_only", true), ("virtual_size", 1)));
        world.Call("strange_disk", world.Insert("VDI", ("SR", world["strange"]), ("managed", true), ("location", "strange"), ("virtual_size", 1)));
    }

    private async Task MakeAsync(string name, string field, XenValue value) => world.Set(world.Call(name, await disks.CreateAsync(2 * Records.MiB, name)), field, value);
}
