using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>A CD image is referred to by snapshots and clones, never copied and never deleted.</summary>
public sealed class CdTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task A_snapshot_and_a_clone_hold_the_same_image()
    {
        var (rig, image) = await PrepareAsync();
        var snapshot = await rig.SnapshotAsync();
        var clone = await rig.Api.TextAsync("VM.clone", rig.Vm, "clone");
        foreach (var vm in (string[])[snapshot, clone])
        {
            var cd = await CdAsync(rig, vm);
            cd["VDI"]!.GetValue<string>().Should().Be(image);
            cd["empty"]!.GetValue<bool>().Should().BeFalse();
            cd["other_config"]!.AsObject().ContainsKey("owner").Should().BeFalse();
        }

        (await rig.Api.ListAsync("VDI.get_VBDs", image)).Should().HaveCount(3);
        (await rig.Api.ListAsync("VDI.get_snapshots", image)).Should().BeEmpty();
        await rig.Api.CallAsync("VM.destroy", snapshot);
        await rig.Api.CallAsync("VM.destroy", clone);
        (await rig.Api.ListAsync("VDI.get_VBDs", image)).Should().HaveCount(1);
    }

    [Fact]
    public async Task A_revert_puts_the_image_back()
    {
        var (rig, image) = await PrepareAsync();
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VBD.destroy", (await rig.Api.ListAsync("VDI.get_VBDs", image)).Single(v => rig.Vm == server.Host.Records.Current.Find(v)!.Target("VM")));
        await rig.Api.CallAsync("VM.revert", snapshot);
        (await CdAsync(rig, rig.Vm))["VDI"]!.GetValue<string>().Should().Be(image);
        await rig.Disks.RecordAsync(image);
    }

    [Fact]
    public async Task A_revert_of_a_changed_drive_leaves_the_other_image_alone()
    {
        var (rig, image) = await PrepareAsync();
        var snapshot = await rig.SnapshotAsync();
        var other = InsertImage(await ToolsAsync(rig));
        server.Host.Records.Commit(unit =>
        {
            foreach (var vbd in unit.Find(image)!.Set("VBDs").Where(v => unit.Find(v)!.Target("VM") == rig.Vm).ToList())
                unit.Set(vbd, "VDI", other);
        });
        await rig.Api.CallAsync("VM.revert", snapshot);
        (await CdAsync(rig, rig.Vm))["VDI"]!.GetValue<string>().Should().Be(image);
        await rig.Disks.RecordAsync(other);
        (await rig.Api.ListAsync("VDI.get_VBDs", other)).Should().BeEmpty();
    }

    private async Task<(VmRig Rig, string Image)> PrepareAsync()
    {
        var rig = await VmRig.CreateAsync(server);
        var image = InsertImage(await ToolsAsync(rig));
        foreach (var drive in (await rig.Api.ListAsync("VM.get_VBDs", rig.Vm)).Where(v => server.Host.Records.Current.Find(v)!.Text("type") == "CD"))
            await rig.Api.CallAsync("VBD.destroy", drive);
        await rig.Api.CallAsync("VBD.create", Records.Vbd(rig.Vm, image, "3", ("type", "CD"), ("mode", "RO")));
        return (rig, image);
    }

    private string InsertImage(string sr)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid().ToString("D");
        server.Host.Records.Commit(unit => unit.Insert(
            unit.Model.Class("VDI"),
            reference,
            [("uuid", Guid.NewGuid().ToString("D")), ("SR", sr), ("location", reference + ".iso"), ("managed", true), ("read_only", true), ("type", "user")]));
        return reference;
    }

    private static async Task<string> ToolsAsync(VmRig rig) => (await rig.Api.ListAsync("SR.get_all_where", "field \"type\" = \"iso\""))[0];

    private static async Task<JsonObject> CdAsync(VmRig rig, string vm) =>
        (await rig.VbdsAsync(vm)).Single(v => v["type"]!.GetValue<string>() == "CD");
}
