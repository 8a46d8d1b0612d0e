using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>VM.copy, devices that go along, and snapshots that fail.</summary>
public sealed class VmCopyTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Fact]
    [SeesEffectOf("VM.copy")]
    public async Task A_copy_has_full_copies_of_all_disks_in_the_SR_asked_for()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        await rig.SnapshotAsync("makes a chain");
        var copy = await rig.Api.TextAsync("VM.copy", rig.Vm, "the copy", server.OtherSr);
        var (record, before) = (await rig.RecordAsync(copy), await rig.RecordAsync());
        Text(record, "name_label").Should().Be("the copy");
        Flag(record, "is_a_template").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeFalse();
        Text(record, "snapshot_of").Should().Be(Records.Null);
        Text(record, "parent").Should().Be(Records.Null);
        Text(record["other_config"]!, "mac_seed").Should().NotBe(Text(before["other_config"]!, "mac_seed"));
        foreach (var (device, disk) in await rig.DisksAsync(copy))
        {
            var vdi = await rig.Disks.RecordAsync(disk);
            Text(vdi, "SR").Should().Be(server.OtherSr);
            vdi["sm_config"]!.AsObject().Should().BeEmpty();
            Text(vdi, "snapshot_of").Should().Be(Records.Null);
            (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
        }

        (await rig.VbdsAsync(copy)).Should().HaveCount(3, "the empty CD drive comes along");
        Text(await rig.OnlyVifAsync(copy), "MAC").Should().NotBe(Text(await rig.OnlyVifAsync(rig.Vm), "MAC"));
        (await rig.RecordAsync())["current_operations"]!.AsObject().Should().BeEmpty();
        server.Server.Host.Records.Intents.Should().BeEmpty();
    }

    [Fact]
    public async Task Without_an_SR_each_disk_stays_in_its_own()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var other = await rig.Api.TextAsync("VDI.create", Records.Vdi(server.OtherSr, 2 * Records.MiB));
        await rig.MarkAsync(other, 9);
        await rig.Api.CallAsync("VBD.create", Records.Vbd(rig.Vm, other, "2"));
        foreach (var none in (string[])[Records.Null, SampleValues.Nowhere])
        {
            var disks = await rig.DisksAsync(await rig.Api.TextAsync("VM.copy", rig.Vm, "copy", none));
            Text(await rig.Disks.RecordAsync(disks["2"]), "SR").Should().Be(server.OtherSr);
            Text(await rig.Disks.RecordAsync(disks["0"]), "SR").Should().Be(await rig.Disks.DefaultSrAsync());
            (await rig.ReadMarkAsync(disks["2"])).Should().Be(9);
        }
    }

    [Fact]
    public async Task Refusals_of_a_copy()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var dvd = (await rig.Api.ListAsync("SR.get_all_where", "field \"content_type\" = \"iso\""))[0];
        (await rig.Api.ErrorAsync("VM.copy", rig.Vm, "no", dvd)).Should().Equal("OPERATION_NOT_ALLOWED", "Cannot copy a VM's disks to an ISO SR");
        server.Server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Running"));
        (await rig.Api.ErrorAsync("VM.copy", rig.Vm, "no", Records.Null)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "running");
        (await rig.Api.ErrorAsync("VM.copy", SampleValues.Nowhere, "no", Records.Null)).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
    }

    [Theory]
    [InlineData("VM.copy", "create", 2)]
    [InlineData("VM.copy", "write", 2)]
    [InlineData("VM.clone", "clone", 2)]
    [InlineData("VM.snapshot", "snapshot", 1)]
    [InlineData("VM.snapshot", "snapshot", 2)]
    public async Task What_fails_leaves_nothing_behind(string message, string operation, int number)
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var state = await Leftovers.OfAsync(rig, server.Server);
        server.Faults.Fail(operation, number, StorageFaults.Full);
        object?[] arguments = message == "VM.copy" ? [rig.Vm, "no", server.OtherSr] : [rig.Vm, "no"];
        (await rig.Api.ErrorAsync(message, arguments))[0].Should().Be("SR_BACKEND_FAILURE_44");
        await state.ShouldBeTheSameAsync();
        (await rig.ReadMarkAsync((await rig.DisksAsync())["0"])).Should().Be(1);
        await rig.Api.CallAsync(message, arguments);
    }

    [Fact]
    public async Task A_revert_that_fails_keeps_the_disks_and_says_so()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var snapshot = await rig.SnapshotAsync();
        var disks = await rig.DisksAsync();
        var state = await Leftovers.OfAsync(rig, server.Server);
        server.Faults.Fail("clone", 2, () => new IOException("broken"));
        (await rig.Api.ErrorAsync("VM.revert", snapshot)).Should().Equal("VM_REVERT_FAILED", snapshot, rig.Vm);
        await state.ShouldBeTheSameAsync();
        server.Faults.Fail("clone", 1, StorageFaults.Full);
        (await rig.Api.ErrorAsync("VM.revert", snapshot))[0].Should().Be("SR_BACKEND_FAILURE_44", "this one is passed on as it is");
        await state.ShouldBeTheSameAsync();
        (await rig.DisksAsync()).Should().Equal(disks);
    }

    [Fact]
    public async Task A_disk_that_the_driver_reverts_in_place_keeps_its_reference()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var vdi = await rig.Api.TextAsync("VDI.create", Records.Vdi(server.OtherSr, 2 * Records.MiB));
        await rig.MarkAsync(vdi, 20);
        await rig.Api.CallAsync("VBD.create", Records.Vbd(rig.Vm, vdi, "2"));
        var snapshot = await rig.SnapshotAsync();
        var before = await rig.DisksAsync();
        foreach (var disk in before.Values)
            await rig.MarkAsync(disk, 99);
        server.SetFeature("lvm", "VDI_REVERT", true);
        try
        {
            await rig.Api.CallAsync("VM.revert", snapshot);
            var after = await rig.DisksAsync();
            after["2"].Should().Be(vdi);
            (await rig.ReadMarkAsync(vdi)).Should().Be(20);
            after["0"].Should().NotBe(before["0"]);
            (await rig.ReadMarkAsync(after["0"])).Should().Be(1);
            server.Faults.Fail("revert", 1, () => Storage.StorageException.Unimplemented("Volume.revert"));
            await rig.Api.CallAsync("VM.revert", snapshot);
            (await rig.DisksAsync())["2"].Should().NotBe(vdi, "a driver that cannot after all gets a clone");
            (await rig.ReadMarkAsync((await rig.DisksAsync())["2"])).Should().Be(20);
        }
        finally
        {
            server.SetFeature("lvm", "VDI_REVERT", false);
        }
    }

    [Fact]
    public async Task Snapshots_of_a_disk_follow_its_successor_beyond_forget()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VM.revert", snapshot);
        var (disk, kept) = ((await rig.DisksAsync())["0"], (await rig.DisksAsync(snapshot))["0"]);
        var uuid = await rig.Disks.UuidAsync(kept);
        await rig.Api.CallAsync("VDI.forget", kept);
        await rig.Api.CallAsync("SR.scan", await rig.Disks.DefaultSrAsync());
        (await rig.Api.TextAsync("VDI.get_snapshot_of", await rig.Api.TextAsync("VDI.get_by_uuid", uuid))).Should().Be(disk);
    }

    [Fact]
    public async Task Disks_of_a_snapshot_show_as_subtasks()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var seen = new List<JsonObject>();
        server.Server.Host.Records.Committed += Note;
        try
        {
            var task = await rig.Api.TextAsync("Async.VM.snapshot", rig.Vm, "watched");
            await rig.Api.FinishedAsync(task);
            lock (seen)
            {
                seen.Should().HaveCount(2).And.OnlyContain(t => Text(t, "of") == task && Text(t, "name") == "Async.VDI.snapshot");
            }

            (await rig.Api.ListAsync("task.get_subtasks", task)).Should().BeEmpty("they go with the end");
        }
        finally
        {
            server.Server.Host.Records.Committed -= Note;
        }

        void Note(Store.CommitNotice notice)
        {
            lock (seen)
            {
                foreach (var task in notice.Written.Where(r => r.Class.Name == "task" && r.Text("subtask_of") != Records.Null && r.Text("status") == "success"))
                    seen.Add(JsonArguments.Map(("of", task.Text("subtask_of")), ("name", task.Text("name_label"))));
            }
        }
    }

    [Fact]
    [SeesEffectOf("VTPM.create", "VTPM.destroy", "VTPM.get_contents", "VTPM.set_contents")]
    public async Task TPMs_and_virtual_GPUs_go_along()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var vtpm = await rig.Api.TextAsync("VTPM.create", rig.Vm, false);
        (await rig.Api.ListAsync("VM.get_VTPMs", rig.Vm)).Should().Equal(vtpm);
        (await rig.Api.ErrorAsync("VTPM.create", rig.Vm, false)).Should().Equal("VTPM_MAX_AMOUNT_REACHED", "1");
        (await rig.Api.ErrorAsync("VTPM.set_contents", vtpm, "no base64!"))[0].Should().Be("INTERNAL_ERROR");
        await rig.Api.CallAsync("VTPM.set_contents", vtpm, "c3RhdGU=");
        (await rig.Api.TextAsync("VTPM.get_contents", vtpm)).Should().Be("c3RhdGU=");
        server.Server.Host.Records.Commit(unit => unit.Insert(
            unit.Model.Class("VGPU"), "OpaqueRef:" + Guid.NewGuid(), [("uuid", Guid.NewGuid().ToString()), ("VM", rig.Vm), ("device", "3"), ("extra_args", "x")]));

        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VTPM.set_contents", vtpm, "bGF0ZXI=");
        var copied = (await rig.Api.ListAsync("VM.get_VTPMs", snapshot)).Single();
        (await rig.Api.TextAsync("VTPM.get_contents", copied)).Should().Be("c3RhdGU=");
        Text(await rig.Api.RecordAsync("VGPU", (await rig.Api.ListAsync("VM.get_VGPUs", snapshot)).Single()), "extra_args").Should().Be("x");
        await rig.Api.CallAsync("VM.revert", snapshot);
        var back = (await rig.Api.ListAsync("VM.get_VTPMs", rig.Vm)).Single();
        back.Should().NotBe(vtpm);
        (await rig.Api.TextAsync("VTPM.get_contents", back)).Should().Be("c3RhdGU=");
        (await rig.Api.ListAsync("VM.get_VGPUs", rig.Vm)).Should().HaveCount(1);

        var secrets = (await rig.Api.ListAsync("secret.get_all")).Count;
        server.Server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Running"));
        (await rig.Api.ErrorAsync("VTPM.destroy", back))[0].Should().Be("VM_BAD_POWER_STATE");
        server.Server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Halted"));
        await rig.Api.CallAsync("VTPM.destroy", back);
        (await rig.Api.ListAsync("VM.get_VTPMs", rig.Vm)).Should().BeEmpty();
        (await rig.Api.ListAsync("secret.get_all")).Should().HaveCount(secrets - 1);
        var unique = await rig.Api.TextAsync("VTPM.create", rig.Vm, true);
        await rig.Api.CallAsync("VTPM.set_contents", unique, "c3RhdGU=");
        var clone = await rig.Api.TextAsync("VM.clone", rig.Vm, "clone");
        (await rig.Api.TextAsync("VTPM.get_contents", (await rig.Api.ListAsync("VM.get_VTPMs", clone)).Single())).Should().BeEmpty("a unique one starts anew");
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
