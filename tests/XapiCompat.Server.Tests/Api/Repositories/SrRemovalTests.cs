using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>SRs are forgotten and found again, or destroyed with everything in them.</summary>
public sealed class SrRemovalTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Machines_lose_the_devices_that_led_to_a_forgotten_repository_and_keep_their_drives()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync(rig.NewPlace());
        var disk = await rig.DiskAsync(sr, "disk");
        var disc = await rig.DiskAsync(sr, "disc");
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("left alone"));
        var device = await rig.Api.TextAsync("VBD.create", Records.Vbd(vm, disk, "0"));
        var drive = await rig.Api.TextAsync("VBD.create", Records.Vbd(vm, disc, "1", ("type", "CD"), ("mode", "RO")));
        await rig.UnplugAsync(sr);
        await rig.Api.CallAsync("SR.forget", sr);

        (await rig.Api.ListAsync("VM.get_VBDs", vm)).Should().Equal(drive);
        (await rig.Api.ErrorAsync("VBD.get_uuid", device)).Should().Equal("HANDLE_INVALID", "VBD", device);
        (await rig.Api.FlagAsync("VBD.get_empty", drive)).Should().BeTrue();
        (await rig.Api.TextAsync("VBD.get_VDI", drive)).Should().Be(Records.Null);
        await rig.Api.CallAsync("VM.destroy", vm);
    }

    [Theory]
    [SeesEffectOf("SR.forget", "SR.introduce", "PBD.create", "PBD.plug", "PBD.unplug")]
    [InlineData("file")]
    [InlineData("nfs")]
    [InlineData("ext")]
    public async Task A_forgotten_repository_is_found_again(string type)
    {
        var rig = await SrRig.CreateAsync(server);
        (string, object?)[] config = type switch
        {
            "file" => [("location", rig.NewPlace())],
            "nfs" => [("server", "filer"), ("serverpath", "/export/forgotten")],
            _ => [("device", "/dev/sdx")],
        };
        var sr = await rig.MakeAsync(type, config);
        var uuid = await rig.Api.TextAsync("SR.get_uuid", sr);
        var vdi = await rig.DiskAsync(sr, "kept");
        await rig.Disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)9, 512)]);
        var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
        await rig.Api.CallAsync("VDI.set_name_label", snapshot, "old state");
        var time = await rig.Api.TextAsync("VDI.get_snapshot_time", snapshot);
        var uuids = await UuidsAsync(rig, sr);

        (await rig.Api.ErrorAsync("SR.forget", sr)).Should().Equal("SR_HAS_PBD", sr);
        await rig.UnplugAsync(sr);
        var pbd = await rig.PbdAsync(sr);
        (await rig.Api.FlagAsync("PBD.get_currently_attached", pbd)).Should().BeFalse();
        (await rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 1))).Should().Equal("SR_HAS_NO_PBDS", sr);
        await rig.Api.CallAsync("SR.forget", sr);
        foreach (var (@class, gone) in new[] { ("SR", sr), ("PBD", pbd), ("VDI", vdi) })
            (await rig.Api.ErrorAsync(@class + ".get_uuid", gone)).Should().Equal("HANDLE_INVALID", @class, gone);

        var again = await rig.IntroduceAsync(uuid, type);
        var record = await rig.Api.RecordAsync("SR", again);
        record["uuid"]!.GetValue<string>().Should().Be(uuid);
        SrRig.Number(record["physical_size"]).Should().Be(-1);
        (await rig.Api.ListAsync("SR.get_VDIs", again)).Should().BeEmpty();
        var second = await rig.ConnectAsync(again, JsonArguments.Map(config));
        await rig.Api.CallAsync("PBD.plug", second);
        await rig.Api.CallAsync("PBD.plug", second);
        (await rig.Api.FlagAsync("PBD.get_currently_attached", second)).Should().BeTrue();
        (await rig.Api.CallAsync("PBD.get_other_config", second))["k"]!.GetValue<string>().Should().Be("v");
        (await UuidsAsync(rig, again)).Should().BeEquivalentTo(uuids);
        var found = await rig.Api.TextAsync("VDI.get_by_uuid", uuids.First(u => u.Name == "kept").Uuid);
        (await rig.Disks.ExportAsync(found))[0].Should().Be(9);
        var back = await rig.Api.RecordAsync("VDI", (await rig.Api.ListAsync("VDI.get_snapshots", found)).Single());
        back["name_label"]!.GetValue<string>().Should().Be("old state");
        back["is_a_snapshot"]!.GetValue<bool>().Should().BeTrue();
        back["snapshot_of"]!.GetValue<string>().Should().Be(found);
        back["snapshot_time"]!.GetValue<string>().Should().Be(time);
    }

    [Fact]
    [SeesEffectOf("SR.destroy", "PBD.destroy")]
    public async Task A_destroyed_repository_leaves_nothing()
    {
        var rig = await SrRig.CreateAsync(server);
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);
        var vdi = await rig.DiskAsync(sr);
        (await rig.Api.ErrorAsync("SR.destroy", sr)).Should().Equal("SR_HAS_PBD", sr);
        await rig.UnplugAsync(sr);
        (await rig.Api.ErrorAsync("SR.destroy", sr)).Should().Equal("SR_NOT_EMPTY");
        await rig.Api.CallAsync("PBD.plug", await rig.PbdAsync(sr));
        await rig.Api.CallAsync("VDI.destroy", vdi);
        (await rig.Api.ErrorAsync("PBD.destroy", await rig.PbdAsync(sr))).Should().Equal("OPERATION_NOT_ALLOWED", "PBD is currently attached");
        await rig.UnplugAsync(sr);
        (await rig.Api.ListAsync("SR.get_allowed_operations", sr)).Should().Contain(["destroy", "forget"]);

        await rig.Api.CallAsync("SR.add_to_other_config", sr, "indestructible", "true");
        (await rig.Api.ErrorAsync("SR.destroy", sr)).Should().Equal("SR_INDESTRUCTIBLE", sr);
        await rig.Api.CallAsync("SR.remove_from_other_config", sr, "indestructible");
        rig.Set(rig.Host, "local_cache_sr", sr);
        (await rig.Api.ErrorAsync("SR.destroy", sr)).Should().Equal("SR_IS_CACHE_SR", rig.Host);
        rig.Set(rig.Host, "local_cache_sr", Records.Null);

        Directory.Exists(place).Should().BeTrue();
        var pbd = await rig.PbdAsync(sr);
        await rig.Api.CallAsync("SR.destroy", sr);
        Directory.Exists(place).Should().BeFalse();
        (await rig.Api.ErrorAsync("SR.get_uuid", sr)).Should().Equal("HANDLE_INVALID", "SR", sr);
        (await rig.Api.ErrorAsync("PBD.get_uuid", pbd)).Should().Equal("HANDLE_INVALID", "PBD", pbd);
        server.Host.Records.Intents.Should().BeEmpty();
    }

    [Fact]
    public async Task Disks_that_no_record_tells_of_are_not_destroyed()
    {
        var rig = await SrRig.CreateAsync(server);
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);
        await rig.DiskAsync(sr);
        await rig.UnplugAsync(sr);
        await rig.Api.CallAsync("SR.forget", sr);
        var blind = await rig.IntroduceAsync("", "file");
        (await rig.Api.ErrorAsync("SR.destroy", blind)).Should().Equal("SR_HAS_NO_PBDS", blind);
        var pbd = await rig.ConnectAsync(blind, JsonArguments.Map(("location", place)));
        (await rig.Api.ErrorAsync("SR.destroy", blind)).Should().Equal("SR_NOT_EMPTY");
        await rig.Api.CallAsync("PBD.destroy", pbd);
        (await rig.Api.ListAsync("SR.get_PBDs", blind)).Should().BeEmpty();
        Directory.EnumerateFiles(place, "*.vhd").Should().HaveCount(1);
    }

    [Fact]
    public async Task A_uuid_is_introduced_once()
    {
        var rig = await SrRig.CreateAsync(server);
        var uuid = await rig.Api.TextAsync("SR.get_uuid", await rig.IntroduceAsync("", "EXT"));
        (await rig.Api.ErrorAsync("SR.introduce", uuid, "", "", "ext", "", false, JsonArguments.Map())).Should().Equal("SR_UUID_EXISTS", uuid);
        (await rig.Api.ErrorAsync("SR.introduce", "not a uuid", "", "", "ext", "", false, JsonArguments.Map())).Should().Equal("UUID_INVALID", "SR", "not a uuid");
        var unknown = await rig.IntroduceAsync("", "nothing");
        (await rig.Api.ErrorAsync("PBD.plug", await rig.ConnectAsync(unknown, JsonArguments.Map()))).Should().Equal("SR_UNKNOWN_DRIVER", "nothing");
    }

    [Fact]
    public async Task What_was_interrupted_is_finished_or_undone()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var rig = await SrRig.CreateAsync(own);
            var (kept, doomed, half, foreign) = (rig.NewPlace(), rig.NewPlace(), rig.NewPlace(), rig.NewPlace());
            var disk = await rig.DiskAsync(await rig.MakeFileAsync(kept), "kept");
            var uuid = await rig.Api.TextAsync("VDI.get_uuid", disk);
            var sr = await rig.MakeFileAsync(doomed);
            await rig.UnplugAsync(sr);
            var doomedUuid = await rig.Api.TextAsync("SR.get_uuid", sr);
            var others = await rig.MakeFileAsync(foreign);
            await rig.DiskAsync(others);
            await rig.UnplugAsync(others);
            Directory.CreateDirectory(half);
            own.Host.Records.Commit(unit =>
            {
                unit.BeginIntent(new Intent("1", Guid.NewGuid().ToString("D"), "sr_create", ["file", "location", half]));
                unit.BeginIntent(new Intent("2", Guid.NewGuid().ToString("D"), "sr_create", ["file", "location", foreign]));
                unit.BeginIntent(new Intent("3", doomedUuid, "sr_destroy", ["file", "location", doomed]));
            });
            await own.RestartAsync();

            var after = await SrRig.CreateAsync(own);
            own.Host.Records.Intents.Should().BeEmpty();
            Directory.Exists(half).Should().BeFalse("its repository never came into being");
            Directory.EnumerateFiles(foreign, "*.vhd").Should().HaveCount(1, "it belongs to somebody else");
            Directory.Exists(doomed).Should().BeFalse();
            (await after.Api.ErrorAsync("SR.get_by_uuid", doomedUuid)).Should().Equal("UUID_INVALID", "SR", doomedUuid);
            (await after.Disks.ExportAsync(await after.Api.TextAsync("VDI.get_by_uuid", uuid))).Should().HaveCount(2 << 20);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    private static async Task<List<(string Uuid, string Name)>> UuidsAsync(SrRig rig, string sr)
    {
        var list = new List<(string, string)>();
        foreach (var vdi in await rig.Api.ListAsync("SR.get_VDIs", sr))
            list.Add((await rig.Api.TextAsync("VDI.get_uuid", vdi), await rig.Api.TextAsync("VDI.get_name_label", vdi)));
        return list;
    }
}
