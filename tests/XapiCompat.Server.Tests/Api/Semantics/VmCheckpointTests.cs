using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>VM.checkpoint, what is made of checkpoints, and the way back to them.</summary>
public sealed class VmCheckpointTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Fact]
    [SeesEffectOf("VM.checkpoint")]
    public async Task A_checkpoint_of_a_running_VM_has_memory_and_the_VM_runs_on()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await RunAsync(rig);
        var before = await rig.RecordAsync();
        var task = await rig.Api.FinishedTaskAsync("Async.VM.checkpoint", rig.Vm, "point");
        Text(task, "status").Should().Be("success", task["error_info"]!.ToJsonString());
        var point = Text(task, "result")["<value>".Length..^"</value>".Length];
        Text(await rig.RecordAsync(), "power_state").Should().Be("Running");
        Text(await rig.RecordAsync(), "suspend_VDI").Should().Be(Records.Null);
        Text(await rig.RecordAsync(), "parent").Should().Be(point);

        var record = await rig.RecordAsync(point);
        Text(record, "power_state").Should().Be("Suspended");
        Flag(record, "is_a_snapshot").Should().BeTrue();
        Flag(record, "is_a_template").Should().BeTrue();
        Text(record, "snapshot_of").Should().Be(rig.Vm);
        record["snapshot_info"]!.ToJsonString().Should().Be("""{"power-state-at-snapshot":"Running","disk-snapshot-type":"crash_consistent"}""");
        record["domid"]!.GetValue<long>().Should().Be(-1);
        Text(record, "resident_on").Should().Be(Records.Null);
        var memory = await rig.Disks.RecordAsync(Text(record, "suspend_VDI"));
        Text(memory, "type").Should().Be("suspend");
        Text(memory, "name_label").Should().Be("Suspend image");
        Flag(memory, "is_a_snapshot").Should().BeTrue("the guest's own image is gone again");
        (await rig.Api.ErrorAsync("VDI.get_uuid", Text(memory, "snapshot_of")))[0].Should().Be("HANDLE_INVALID");
        (await rig.ReadMarkAsync(Text(record, "suspend_VDI"))).Should().NotBe(0, "the guest's state was saved");
        (await rig.RecordAsync())["domid"]!.GetValue<long>().Should().BeGreaterThan(before["domid"]!.GetValue<long>(), "the guest went on in a new domain");
        memory["virtual_size"]!.GetValue<long>().Should().BeGreaterThanOrEqualTo(before["memory_static_max"]!.GetValue<long>());
        File.Exists(server.Server.StatePath + "/sr/" + await rig.Api.TextAsync("SR.get_uuid", Text(memory, "SR")) + "/" + Text(memory, "uuid") + ".vhd").Should().BeTrue();
        record["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>())
            .Should().BeEquivalentTo("clone", "copy", "destroy", "export", "hard_shutdown", "metadata_export", "revert");
        foreach (var vbd in await rig.VbdsAsync(point))
            Flag(vbd, "currently_attached").Should().BeTrue("devices of suspended VMs stay attached");
        foreach (var (device, disk) in await rig.DisksAsync(point))
            (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
    }

    [Fact]
    public async Task The_memory_goes_where_the_VM_says()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await rig.Api.CallAsync("VM.set_suspend_SR", rig.Vm, server.OtherSr);
        await RunAsync(rig);
        var point = await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "elsewhere");
        Text(await rig.Disks.RecordAsync(Text(await rig.RecordAsync(point), "suspend_VDI")), "SR").Should().Be(server.OtherSr);
    }

    [Fact]
    public async Task Only_VMs_that_have_memory_are_checkpointed()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "paused, suspended, running", "halted");
        server.Server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Paused"));
        var point = await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "of a paused VM");
        var record = await rig.RecordAsync(point);
        Text(record, "power_state").Should().Be("Halted");
        record["snapshot_info"]!.AsObject().Should().BeEmpty();
        Text(await rig.RecordAsync(), "power_state").Should().Be("Paused");
    }

    [Fact]
    public async Task A_checkpoint_of_a_suspended_VM_snapshots_its_image()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var image = await SuspendAsync(rig, 42);
        var point = await rig.RecordAsync(await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "point"));
        Text(point, "power_state").Should().Be("Suspended");
        point["snapshot_info"]!.AsObject().Should().BeEmpty("only a running VM leaves a trace there");
        var memory = Text(point, "suspend_VDI");
        Text(await rig.Disks.RecordAsync(memory), "snapshot_of").Should().Be(image);
        Text(await rig.Disks.RecordAsync(memory), "type").Should().Be("suspend");
        (await rig.ReadMarkAsync(memory)).Should().Be(42);
        Text(await rig.RecordAsync(), "suspend_VDI").Should().Be(image);
        Text(await rig.RecordAsync(await rig.SnapshotAsync()), "suspend_VDI").Should().Be(Records.Null, "a plain snapshot has no memory");
    }

    [Fact]
    [SeesEffectOf("VM.csvm")]
    public async Task A_suspended_VM_is_cloned_with_its_memory_by_csvm_only()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var image = await SuspendAsync(rig, 43);
        (await rig.Api.ErrorAsync("VM.clone", rig.Vm, "no")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "suspended");
        var clone = await rig.RecordAsync(await rig.Api.TextAsync("VM.csvm", rig.Vm));
        Text(clone, "name_label").Should().Be("rig-cloned-suspended");
        Text(clone, "power_state").Should().Be("Suspended");
        Flag(clone, "is_a_snapshot").Should().BeFalse();
        Text(clone, "suspend_VDI").Should().NotBe(image);
        (await rig.ReadMarkAsync(Text(clone, "suspend_VDI"))).Should().Be(43);
    }

    [Fact]
    public async Task A_clone_of_a_checkpoint_is_halted_and_has_no_memory()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await RunAsync(rig);
        var point = await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "point");
        foreach (var clone in (string[])[await rig.Api.TextAsync("VM.clone", point, "clone"), await rig.Api.TextAsync("VM.copy", point, "copy", Records.Null)])
        {
            var record = await rig.RecordAsync(clone);
            Text(record, "power_state").Should().Be("Halted");
            Text(record, "suspend_VDI").Should().Be(Records.Null);
            Flag(record, "is_a_template").Should().BeTrue();
            (await rig.VbdsAsync(clone)).Should().OnlyContain(v => !Flag(v, "currently_attached"));
            (await rig.ReadMarkAsync((await rig.DisksAsync(clone))["1"])).Should().Be(2);
        }
    }

    [Fact]
    public async Task A_revert_to_a_checkpoint_suspends_the_VM_with_a_copy_of_the_memory()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await SuspendAsync(rig, 44);
        var point = await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "point");
        var old = Text(await rig.RecordAsync(), "suspend_VDI");
        await rig.MarkAsync(old, 1);
        for (var i = 0; i < 2; i++)
        {
            await rig.Api.CallAsync("VM.revert", point);
            var record = await rig.RecordAsync();
            Text(record, "power_state").Should().Be("Suspended");
            var memory = Text(record, "suspend_VDI");
            memory.Should().NotBe(old).And.NotBe(Text(await rig.RecordAsync(point), "suspend_VDI"));
            (await rig.ReadMarkAsync(memory)).Should().Be(44);
            Text(await rig.Disks.RecordAsync(memory), "type").Should().Be("suspend");
            (await rig.Api.ErrorAsync("VDI.get_uuid", old)).Should().Equal("HANDLE_INVALID", "VDI", old);
            (await rig.VbdsAsync()).Where(v => Text(v, "type") == "Disk").Should().OnlyContain(v => Flag(v, "currently_attached"));
            old = memory;
        }

        var plain = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VM.revert", plain);
        Text(await rig.RecordAsync(), "power_state").Should().Be("Halted");
        Text(await rig.RecordAsync(), "suspend_VDI").Should().Be(Records.Null);
        (await rig.Api.ErrorAsync("VDI.get_uuid", old)).Should().Equal("HANDLE_INVALID", "VDI", old);
        (await rig.VbdsAsync()).Should().OnlyContain(v => !Flag(v, "currently_attached"));
    }

    [Fact]
    public async Task A_running_VM_goes_back_to_its_checkpoint()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await RunAsync(rig);
        var point = await rig.Api.TextAsync("VM.checkpoint", rig.Vm, "point");
        await rig.Api.CallAsync("VM.revert", point);
        var record = await rig.RecordAsync();
        Text(record, "power_state").Should().Be("Suspended");
        record["domid"]!.GetValue<long>().Should().Be(-1);
        Text(record, "resident_on").Should().Be(Records.Null);
        await rig.Api.CallAsync("VM.resume", rig.Vm, false, false);
        Text(await rig.RecordAsync(), "power_state").Should().Be("Running", "what the checkpoint saved is good enough to go on from");
        await rig.Api.CallAsync("VM.hard_shutdown", rig.Vm);
        await rig.Api.CallAsync("VM.destroy", rig.Vm);
        await rig.Api.CallAsync("VM.revert", point);
        var back = await rig.Api.TextAsync("VM.get_snapshot_of", point);
        Text(await rig.RecordAsync(back), "power_state").Should().Be("Suspended");
        Text(await rig.RecordAsync(back), "uuid").Should().Be(Text(record, "uuid"));
    }

    [Theory]
    [InlineData("snapshot", 2)]
    [InlineData("create", 1)]
    public async Task A_failed_checkpoint_leaves_nothing_behind(string operation, int number)
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await RunAsync(rig);
        var state = await Leftovers.OfAsync(rig, server.Server);
        server.Faults.Fail(operation, number, StorageFaults.Full);
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no"))[0].Should().Be(operation == "create" ? "SR_SUSPEND_SPACE_INSUFFICIENT" : "SR_BACKEND_FAILURE_44");
        await state.ShouldBeTheSameAsync();
        Text(await rig.RecordAsync(), "power_state").Should().Be("Running");
        await rig.Api.CallAsync("VM.checkpoint", rig.Vm, "yes");
    }

    [Fact]
    public async Task Without_a_place_for_memory_there_is_no_checkpoint()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await RunAsync(rig);
        var host = (await rig.Api.ListAsync("host.get_all"))[0];
        var sr = await rig.Api.TextAsync("host.get_suspend_image_sr", host);
        await rig.Api.CallAsync("host.set_suspend_image_sr", host, Records.Null);
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("VM_NO_SUSPEND_SR", rig.Vm);
        await rig.Api.CallAsync("host.set_suspend_image_sr", host, sr);
        server.SetFeature("ext", "VDI_SNAPSHOT", false);
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("SR_OPERATION_NOT_SUPPORTED", rig.Vm);
        server.SetFeature("ext", "VDI_SNAPSHOT", true);
    }

    private static Task RunAsync(VmRig rig) => rig.Api.CallAsync("VM.start", rig.Vm, false, false);

    private async Task<string> SuspendAsync(VmRig rig, byte mark)
    {
        var image = await rig.Disks.CreateAsync(2 * Records.MiB, "Suspend image", ("type", "suspend"));
        await rig.MarkAsync(image, mark);
        server.Server.Host.Records.Commit(unit =>
        {
            unit.Set(rig.Vm, "power_state", "Suspended");
            unit.Set(rig.Vm, "suspend_VDI", image);
            foreach (var vbd in unit.Find(rig.Vm)!.Set("VBDs").ToList())
                unit.Set(vbd, "currently_attached", true);
        });
        return image;
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
