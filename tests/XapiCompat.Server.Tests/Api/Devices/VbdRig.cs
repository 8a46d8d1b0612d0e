using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Devices;

/// <summary>A VM in a chosen state with one disk, and short names for what tests of VBDs do.</summary>
internal sealed class VbdRig(RunningServer server, DiskClient disks)
{
    public DiskClient Disks { get; } = disks;

    public XenClient Api => Disks.Api;

    public string Vm { get; private set; } = "";

    public string Vdi { get; private set; } = "";

    public string Vbd { get; private set; } = "";

    /// <param name="policy">HVM_boot_policy; empty makes a PV guest.</param>
    public static async Task<VbdRig> CreateAsync(RunningServer server, string state = "Running", string policy = "")
    {
        var rig = new VbdRig(server, await DiskClient.LoginAsync(server));
        rig.Vm = await rig.NewVmAsync(state, policy);
        rig.Vdi = await rig.Disks.CreateAsync(Records.MiB);
        rig.Vbd = await rig.ConnectAsync(rig.Vm, rig.Vdi);
        return rig;
    }

    public async Task<string> NewVmAsync(string state = "Running", string policy = "")
    {
        var vm = await Api.TextAsync("VM.create", Records.Vm("vbd holder", ("HVM_boot_policy", policy)));
        Set(vm, "power_state", state);
        return vm;
    }

    public Task<string> ConnectAsync(string vm, string vdi, string mode = "RW") =>
        Api.TextAsync("VBD.create", Records.Vbd(vm, vdi, "autodetect", ("mode", mode)));

    public Task<string> DriveAsync(string? vdi = null) => Api.TextAsync(
        "VBD.create", Records.Vbd(Vm, vdi ?? Records.Null, "autodetect", ("mode", "RO"), ("type", "CD"), ("empty", vdi is null)));

    /// <summary>Puts a value where no call would put it.</summary>
    public void Set(string reference, string field, Values.XenValue value) => server.Host.Records.Commit(unit => unit.Set(reference, field, value));

    /// <summary>Marks an operation of a made-up task.</summary>
    public void Run(string reference, string operation) =>
        Set(reference, "current_operations", new Values.XenStruct(["OpaqueRef:task"], [Values.XenString.Of(operation)]));

    public void Rest(string reference) => Set(reference, "current_operations", Values.XenStruct.Empty);

    /// <summary>What the guest's tools report about drivers.</summary>
    public void Drivers(bool detected, string hotplug = "unspecified") => server.Host.Records.Commit(unit =>
    {
        var metrics = "OpaqueRef:" + Guid.NewGuid();
        unit.Insert(unit.Model.Class("VM_guest_metrics"), metrics, [("uuid", Guid.NewGuid().ToString()), ("PV_drivers_detected", detected), ("can_use_hotplug_vbd", hotplug)]);
        unit.Set(Vm, "guest_metrics", metrics);
    });

    public Task<bool> AttachedAsync(string vbd) => Api.FlagAsync("VBD.get_currently_attached", vbd);

    public Task<IReadOnlyList<string>> AllowedAsync(string vbd) => Api.ListAsync("VBD.get_allowed_operations", vbd);
}
