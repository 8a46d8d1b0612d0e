using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>What VBD.create and VIF.create check, in which order, and what they make.</summary>
public sealed class DeviceTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task A_new_VBD_is_not_plugged_and_has_metrics()
    {
        var (client, vm, vdi) = await PrepareAsync();
        var record = await client.RecordAsync("VBD", await client.TextAsync("VBD.create", Records.Vbd(vm, vdi, "0", ("device", "xvdz"), ("currently_attached", true))));
        record["VM"]!.GetValue<string>().Should().Be(vm);
        record["VDI"]!.GetValue<string>().Should().Be(vdi);
        record["userdevice"]!.GetValue<string>().Should().Be("0");
        record["device"]!.GetValue<string>().Should().BeEmpty();
        record["currently_attached"]!.GetValue<bool>().Should().BeFalse();
        (await client.TextAsync("VBD_metrics.get_uuid", record["metrics"]!.GetValue<string>())).Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_VBD_refuses_what_does_not_fit()
    {
        var (client, vm, vdi) = await PrepareAsync();
        (await client.ErrorAsync("VBD.create", Records.Vbd(SampleValues.Nowhere, vdi))).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, SampleValues.Nowhere))).Should().Equal("HANDLE_INVALID", "VDI", SampleValues.Nowhere);
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, vdi, "0", ("type", "CD")))).Should().Equal("VBD_CDS_MUST_BE_READONLY");
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, Records.Null, "0", ("empty", true)))).Should().Equal("VBD_NOT_REMOVABLE_MEDIA", "in constructor");
        await client.CallAsync("VDI.set_read_only", vdi, true);
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, vdi))).Should().Equal("VDI_READONLY", vdi);
        await client.CallAsync("VBD.create", Records.Vbd(vm, vdi, "0", ("mode", "RO")));
    }

    [Theory]
    [InlineData("redo_log", "Redo log")]
    [InlineData("ha_statefile", "HA statefile")]
    [InlineData("cbt_metadata", "CBT metadata")]
    public async Task Some_types_of_disks_belong_to_no_VM(string type, string text)
    {
        var (client, vm, vdi) = await PrepareAsync();
        server.Host.Records.Commit(unit => unit.Set(vdi, "type", type));
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, vdi))).Should().Equal("VDI_INCOMPATIBLE_TYPE", vdi, text);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("1.5")]
    [InlineData("100000")]
    public async Task A_position_must_be_one(string device)
    {
        var (client, vm, vdi) = await PrepareAsync();
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, vdi, device))).Should().Equal("INVALID_DEVICE", device);
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("1", "xvdb")]
    [InlineData("1", "hdb")]
    [InlineData("xvdb", "1")]
    public async Task A_position_is_taken_once(string first, string second)
    {
        var (client, vm, vdi) = await PrepareAsync();
        await client.CallAsync("VBD.create", Records.Vbd(vm, vdi, first));
        (await client.ErrorAsync("VBD.create", Records.Vbd(vm, vdi, second))).Should().Equal("DEVICE_ALREADY_EXISTS", second);
    }

    [Fact]
    public async Task The_first_free_position_is_found()
    {
        var (client, vm, vdi) = await PrepareAsync();
        await client.CallAsync("VBD.create", Records.Vbd(vm, vdi, "0"));
        await client.CallAsync("VBD.create", Records.Vbd(vm, vdi, "2"));
        (await client.ListAsync("VM.get_allowed_VBD_devices", vm)).Should().StartWith(["1", "3"]).And.HaveCount(253);
        foreach (var expected in (string[])["1", "3"])
        {
            var vbd = await client.TextAsync("VBD.create", Records.Vbd(vm, vdi));
            (await client.TextAsync("VBD.get_userdevice", vbd)).Should().Be(expected);
        }

        (await client.ListAsync("VM.get_allowed_VBD_devices", vm)).Should().StartWith(["4"]);
    }

    [Fact]
    public async Task An_empty_drive_has_no_disk()
    {
        var (client, vm, vdi) = await PrepareAsync();
        var vbd = await client.TextAsync("VBD.create", Records.Vbd(vm, vdi, "0", ("type", "CD"), ("mode", "RO"), ("empty", true)));
        (await client.TextAsync("VBD.get_VDI", vbd)).Should().Be(Records.Null);
        (await client.ListAsync("VDI.get_VBDs", vdi)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_VIF_gets_an_address_from_the_seed_or_keeps_its_own()
    {
        var (client, vm, _) = await PrepareAsync();
        var network = (await client.ListAsync("network.get_all"))[0];
        var made = await client.RecordAsync("VIF", await client.TextAsync("VIF.create", Records.Vif(vm, network, "0")));
        made["MAC"]!.GetValue<string>().Should().MatchRegex("^[0-9a-f][26ae](:[0-9a-f]{2}){5}$");
        made["MAC_autogenerated"]!.GetValue<bool>().Should().BeTrue();
        made["currently_attached"]!.GetValue<bool>().Should().BeFalse();
        var own = await client.RecordAsync("VIF", await client.TextAsync("VIF.create", Records.Vif(vm, network, "1", "aa:bb:cc:00:11:22")));
        own["MAC"]!.GetValue<string>().Should().Be("aa:bb:cc:00:11:22");
        own["MAC_autogenerated"]!.GetValue<bool>().Should().BeFalse();
        (await client.ListAsync("network.get_VIFs", network)).Should().HaveCountGreaterThanOrEqualTo(2);
        (await client.ErrorAsync("VIF.create", Records.Vif(vm, network, "1"))).Should().Equal("DEVICE_ALREADY_EXISTS", "1");
        (await client.ErrorAsync("VIF.create", Records.Vif(vm, network, "eth0"))).Should().Equal("INVALID_DEVICE", "eth0");
        (await client.ErrorAsync("VIF.create", Records.Vif(vm, network, "3", "not a mac"))).Should().Equal("MAC_INVALID", "not a mac");
        (await client.ErrorAsync("VIF.create", Records.Vif(vm, SampleValues.Nowhere, "3"))).Should().Equal("HANDLE_INVALID", "network", SampleValues.Nowhere);
    }

    private async Task<(XenClient Client, string Vm, string Vdi)> PrepareAsync()
    {
        var disks = await DiskClient.LoginAsync(server);
        return (disks.Api, await disks.Api.TextAsync("VM.create", Records.Vm("device holder")), await disks.CreateAsync(Records.MiB));
    }
}
