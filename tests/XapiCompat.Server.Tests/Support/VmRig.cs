using System.Text.Json.Nodes;

namespace XapiCompat.Server.Tests.Support;

/// <summary>A VM with two disks, an empty CD drive and a network interface, and the calls that tests make with it.</summary>
public sealed class VmRig(DiskClient disks)
{
    public DiskClient Disks { get; } = disks;

    public XenClient Api => Disks.Api;

    public string Vm { get; private set; } = "";

    public string Vif { get; private set; } = "";

    public static async Task<VmRig> CreateAsync(RunningServer server)
    {
        var rig = new VmRig(await DiskClient.LoginAsync(server));
        rig.Vm = await rig.Api.TextAsync("VM.create", Records.Vm("rig", ("name_description", "before"), ("tags", JsonArguments.Array(["t"]))));
        await rig.AddDiskAsync(rig.Vm, "0", 1);
        await rig.AddDiskAsync(rig.Vm, "1", 2);
        await rig.Api.CallAsync("VBD.create", Records.Vbd(rig.Vm, Records.Null, "3", ("type", "CD"), ("mode", "RO"), ("empty", true)));

        // One with interfaces: a network without any lives on the host of its running VMs, and they cannot leave it.
        var network = (await rig.Api.CallAsync("network.get_all_records")).AsObject().First(n => n.Value!["PIFs"]!.AsArray().Count > 0).Key;
        rig.Vif = await rig.Api.TextAsync("VIF.create", Records.Vif(rig.Vm, network, "0"));
        return rig;
    }

    /// <summary>A new disk with a first sector of <paramref name="mark"/>.</summary>
    public async Task<string> AddDiskAsync(string vm, string device, byte mark)
    {
        var vdi = await Disks.CreateAsync(2 * Records.MiB, "disk " + device);
        await MarkAsync(vdi, mark);
        await Api.CallAsync("VBD.create", Records.Vbd(vm, vdi, device));
        return vdi;
    }

    public Task MarkAsync(string vdi, byte mark) => Disks.ImportAsync(vdi, [.. Enumerable.Repeat(mark, 512)]);

    public async Task<byte> ReadMarkAsync(string vdi) => (await Disks.ExportAsync(vdi))[0];

    public Task<JsonObject> RecordAsync(string? vm = null) => Api.RecordAsync("VM", vm ?? Vm);

    public Task<string> SnapshotAsync(string name = "snap") => Api.TextAsync("VM.snapshot", Vm, name);

    /// <summary>Disks of a VM by device, without CD drives.</summary>
    public async Task<SortedDictionary<string, string>> DisksAsync(string? vm = null)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var vbd in await VbdsAsync(vm))
        {
            if (vbd["type"]!.GetValue<string>() == "Disk")
                map[vbd["userdevice"]!.GetValue<string>()] = vbd["VDI"]!.GetValue<string>();
        }

        return map;
    }

    public async Task<IReadOnlyList<JsonObject>> VbdsAsync(string? vm = null)
    {
        var list = new List<JsonObject>();
        foreach (var vbd in await Api.ListAsync("VM.get_VBDs", vm ?? Vm))
            list.Add(await Api.RecordAsync("VBD", vbd));
        return list;
    }

    public async Task<JsonObject> OnlyVifAsync(string vm) => await Api.RecordAsync("VIF", (await Api.ListAsync("VM.get_VIFs", vm))[0]);
}
