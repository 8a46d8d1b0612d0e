using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Templates: provisioned, made, unmade.</summary>
public sealed class VmProvisionTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Fact]
    [SeesEffectOf("VM.provision")]
    public async Task The_disks_of_the_document_are_made_and_connected()
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        var other = await disks.Api.TextAsync("SR.get_uuid", server.OtherSr);
        var vm = await CloneAsync(disks, Document(Disk("0", 5 << 20, sr, "true"), Disk("3", 2 << 20, other, "false", "user")), ("postinstall", "/no/such/script"));
        var task = await disks.Api.FinishedTaskAsync("Async.VM.provision", vm);
        Text(task, "status").Should().Be("success", task["error_info"]!.ToJsonString());
        var record = await disks.Api.RecordAsync("VM", vm);
        Flag(record, "is_a_template").Should().BeFalse();
        record["other_config"]!.AsObject().Should().NotContainKey("disks").And.NotContainKey("postinstall");
        Text(await disks.Api.RecordAsync("VM_metrics", Text(record, "metrics")), "install_time").Should().NotBe(Records.Never);
        var rig = new VmRig(disks);
        var vbds = (await rig.VbdsAsync(vm)).OrderBy(v => Text(v, "userdevice")).ToList();
        vbds.Select(v => Text(v, "userdevice")).Should().Equal("0", "3");
        vbds.Select(v => Flag(v, "bootable")).Should().Equal(true, false);
        vbds.Select(v => Flag(v, "unpluggable")).Should().Equal(false, true);
        foreach (var vbd in vbds)
        {
            Text(vbd, "mode").Should().Be("RW");
            Text(vbd["other_config"]!, "owner").Should().BeEmpty();
            var vdi = await disks.RecordAsync(Text(vbd, "VDI"));
            Text(vdi, "name_label").Should().Be(Text(vbd, "userdevice"));
            Text(vdi["sm_config"]!, "vmhint").Should().Be(Text(record, "uuid"));
            Text(vdi, "type").Should().Be(Text(vbd, "userdevice") == "0" ? "system" : "user");
            Text(vdi, "SR").Should().Be(Text(vbd, "userdevice") == "0" ? await disks.DefaultSrAsync() : server.OtherSr);
            vdi["virtual_size"]!.GetValue<long>().Should().Be(Text(vbd, "userdevice") == "0" ? 6 << 20 : 2 << 20);
        }

        (await disks.Api.ErrorAsync("VM.provision", vm)).Should().Equal("PROVISION_ONLY_ALLOWED_ON_TEMPLATE");
        record["allowed_operations"]!.ToJsonString().Should().Contain("start");
    }

    [Fact]
    public async Task A_template_without_document_just_becomes_a_VM()
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var template = (await disks.Api.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        var vm = await disks.Api.TextAsync("VM.clone", template, "plain");
        await disks.Api.CallAsync("VM.provision", vm);
        Flag(await disks.Api.RecordAsync("VM", vm), "is_a_template").Should().BeFalse();
        (await disks.Api.ListAsync("VM.get_VBDs", vm)).Should().BeEmpty();
        Text((await disks.Api.RecordAsync("VM", vm))["other_config"]!, "base_template_name").Should().Be("Other install media");
        Text(await disks.Api.RecordAsync("VM", vm), "recommendations").Should().Contain("number-of-vifs");
        (await disks.Api.ErrorAsync("VM.provision", SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
    }

    [Fact]
    public async Task What_cannot_be_provisioned_stays_a_template()
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        var debian = await disks.Api.TextAsync("VM.clone", (await disks.Api.ListAsync("VM.get_by_name_label", "Debian Bookworm 12"))[0], "as it comes");
        (await disks.Api.ErrorAsync("VM.provision", debian)).Should().Equal("UUID_INVALID", "sr", "");
        Flag(await disks.Api.RecordAsync("VM", debian), "is_a_template").Should().BeTrue();
        foreach (var bad in (string[])["<provision><disk", "<other/>", "<provision><disk device=\"0\"/></provision>", Document(Disk("0", 1, sr, "true")).Replace("\"1\"", "\"much\""), "<!DOCTYPE x [<!ENTITY e \"v\">]><provision/>"])
            (await disks.Api.ErrorAsync("VM.provision", await CloneAsync(disks, bad)))[0].Should().Be("INTERNAL_ERROR", bad);
        var snapshot = await disks.Api.TextAsync("VM.snapshot", await disks.Api.TextAsync("VM.create", Records.Vm("source")), "snap");
        (await disks.Api.ErrorAsync("VM.provision", snapshot)).Should().Equal("VM_IS_SNAPSHOT", snapshot, "provision");
    }

    [Fact]
    public async Task A_provision_that_fails_leaves_nothing_behind()
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        var vm = await CloneAsync(disks, Document(Disk("0", 2 << 20, sr, "true"), Disk("1", 2 << 20, sr, "false")));
        var before = await disks.Api.ListAsync("VDI.get_all");
        server.Faults.Fail("create", 2, StorageFaults.Full);
        (await disks.Api.ErrorAsync("VM.provision", vm))[0].Should().Be("SR_BACKEND_FAILURE_44");
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(before);
        (await disks.Api.ListAsync("VM.get_VBDs", vm)).Should().BeEmpty();
        Flag(await disks.Api.RecordAsync("VM", vm), "is_a_template").Should().BeTrue();

        var twice = await CloneAsync(disks, Document(Disk("0", 2 << 20, sr, "true"), Disk("0", 2 << 20, sr, "false")));
        (await disks.Api.ErrorAsync("VM.provision", twice)).Should().Equal("DEVICE_ALREADY_EXISTS", "0");
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(before);
        await disks.Api.CallAsync("VM.provision", vm);
        (await disks.Api.ListAsync("VM.get_VBDs", vm)).Should().HaveCount(2);
    }

    [Fact]
    [SeesEffectOf("VM.set_is_a_template", "VM.set_is_default_template")]
    public async Task VMs_become_templates_and_snapshots_become_VMs()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VM.set_is_a_template", snapshot, false);
        var record = await rig.RecordAsync(snapshot);
        Flag(record, "is_a_template").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeTrue("it is a snapshot all the same");
        await rig.Api.CallAsync("VM.revert", snapshot);
        (await rig.Api.ErrorAsync("VM.start", snapshot, false, false))[0].Should().BeOneOf("VM_IS_SNAPSHOT", "NOT_IMPLEMENTED");

        await rig.Api.CallAsync("VM.set_is_a_template", rig.Vm, true);
        record = await rig.RecordAsync();
        Flag(record, "is_a_template").Should().BeTrue();
        record["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().Contain("provision").And.NotContain("start");
        (await rig.Api.ErrorAsync("VM.snapshot", rig.Vm, "no")).Should().Equal("VM_IS_TEMPLATE", rig.Vm, "snapshot");
        await rig.Api.CallAsync("VM.set_is_default_template", rig.Vm, true);
        Flag(await rig.RecordAsync(), "is_default_template").Should().BeTrue();
        (await rig.Api.ErrorAsync("VM.destroy", rig.Vm))[0].Should().Be("VM_IS_TEMPLATE");
        await rig.Api.CallAsync("VM.set_is_default_template", rig.Vm, false);
        await rig.Api.CallAsync("VM.set_is_a_template", rig.Vm, false);
        (await rig.RecordAsync())["allowed_operations"]!.ToJsonString().Should().Contain("\"start\"");
        server.Server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Running"));
        (await rig.Api.ErrorAsync("VM.set_is_a_template", rig.Vm, true)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "running");
    }

    [Fact]
    [SeesEffectOf("VM.update_snapshot_metadata")]
    public async Task A_VM_can_be_declared_a_snapshot()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var other = await rig.Api.TextAsync("VM.create", Records.Vm("imported"));
        await rig.Api.CallAsync("VM.update_snapshot_metadata", other, rig.Vm, "20250102T03:04:05Z", "id");
        var record = await rig.RecordAsync(other);
        Flag(record, "is_a_snapshot").Should().BeTrue();
        Text(record, "snapshot_of").Should().Be(rig.Vm);
        Text(record, "snapshot_time").Should().Be("20250102T03:04:05Z");
        Text(record, "transportable_snapshot_id").Should().Be("id");
        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().Equal(other);
    }

    private static async Task<string> CloneAsync(DiskClient disks, string document, params (string Name, object? Value)[] more)
    {
        var template = (await disks.Api.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        var vm = await disks.Api.TextAsync("VM.clone", template, "to provision");
        await disks.Api.CallAsync("VM.set_other_config", vm, JsonArguments.Map([("disks", document), .. more]));
        return vm;
    }

    private static string Document(params string[] disks) => "<provision>" + string.Concat(disks) + "</provision>";

    private static string Disk(string device, long size, string sr, string bootable, string? type = null) =>
        $"<disk device=\"{device}\" size=\"{size}\" sr=\"{sr}\" bootable=\"{bootable}\"" + (type is null ? "/>" : $" type=\"{type}\"/>");

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
