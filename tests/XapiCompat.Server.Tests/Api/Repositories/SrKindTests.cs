using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>SRs of CD images and of disks without data, as clients see them.</summary>
public sealed class SrKindTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Images_appear_with_a_scan_and_go_with_their_files()
    {
        var rig = await SrRig.CreateAsync(server);
        var (sr, place) = await IsoAsync(rig);
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEmpty();
        await File.WriteAllBytesAsync(Path.Combine(place, "debian.iso"), [.. Enumerable.Repeat((byte)4, 2048)]);
        await rig.Api.CallAsync("SR.scan", sr);
        var image = (await rig.Api.ListAsync("SR.get_VDIs", sr)).Single();
        var record = await rig.Api.RecordAsync("VDI", image);
        record["name_label"]!.GetValue<string>().Should().Be("debian.iso");
        record["location"]!.GetValue<string>().Should().Be("debian.iso");
        record["read_only"]!.GetValue<bool>().Should().BeTrue();
        SrRig.Number(record["virtual_size"]).Should().Be(2048);
        record["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().BeEquivalentTo("copy", "destroy", "forget");
        (await rig.Disks.ExportAsync(image)).Should().HaveCount(2048).And.OnlyContain(b => b == 4);

        (await rig.Api.ErrorAsync("VDI.snapshot", image)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        (await rig.Api.ErrorAsync("VDI.clone", image)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        (await rig.Api.ErrorAsync("VDI.resize", image, 4096)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("reader"));
        (await rig.Api.ErrorAsync("VBD.create", Records.Vbd(vm, image))).Should().Equal("VDI_READONLY", image);
        await rig.Api.CallAsync("VBD.create", Records.Vbd(vm, image, "3", ("mode", "RO"), ("type", "CD")));

        await rig.Api.CallAsync("SR.scan", sr);
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().Equal(image);
        File.Delete(Path.Combine(place, "debian.iso"));
        await rig.Api.CallAsync("SR.scan", sr);
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEmpty();
    }

    [Fact]
    public async Task An_image_is_uploaded_and_stays_after_a_restart()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var rig = await SrRig.CreateAsync(own);
            var (sr, place) = await IsoAsync(rig);
            var vdi = await rig.Api.TextAsync("VDI.create", Records.Vdi(sr, 4096, "uploaded", ("sm_config", JsonArguments.Map(("path", "up.iso")))));
            await rig.Disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)5, 4096)]);
            (await File.ReadAllBytesAsync(Path.Combine(place, "up.iso"))).Should().HaveCount(4096).And.OnlyContain(b => b == 5);
            (await rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 1, "again", ("sm_config", JsonArguments.Map(("path", "up.iso")))))).Take(1)
                .Should().Equal("SR_BACKEND_FAILURE_43");
            File.Exists(Path.Combine(place, "up.iso")).Should().BeTrue("a refused create takes nothing away");
            await own.RestartAsync();
            var after = await SrRig.CreateAsync(own);
            await after.Api.CallAsync("SR.scan", sr);
            (await after.Disks.ExportAsync(vdi))[4095].Should().Be(5);
            (await after.Api.TextAsync("VDI.get_name_label", vdi)).Should().Be("uploaded");
            await after.Api.CallAsync("VDI.destroy", vdi);
            Directory.EnumerateFiles(place).Should().BeEmpty();
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Copies_of_one_image_in_two_repositories_are_two_disks()
    {
        var rig = await SrRig.CreateAsync(server);
        var name = Guid.NewGuid() + ".iso";
        var uuids = new List<string>();
        foreach (var _ in (int[])[1, 2])
        {
            var (sr, place) = await IsoAsync(rig);
            await File.WriteAllBytesAsync(Path.Combine(place, name), [1]);
            await rig.Api.CallAsync("SR.scan", sr);
            await rig.Api.CallAsync("SR.scan", sr);
            uuids.Add(await rig.Api.TextAsync("VDI.get_uuid", (await rig.Api.ListAsync("SR.get_VDIs", sr)).Single()));
        }

        uuids.Should().OnlyHaveUniqueItems();
        uuids[0].Should().Be(name[..36]);
    }

    [Fact]
    public async Task Images_are_kept_when_their_repository_goes()
    {
        var rig = await SrRig.CreateAsync(server);
        (await rig.RefusalAsync("iso"))[0].Should().Be("SR_BACKEND_FAILURE_94");
        (await rig.RefusalAsync("iso", ("location", "/etc"), ("legacy_mode", "true")))[0].Should().Be("SR_BACKEND_FAILURE_226");
        var (sr, place) = await IsoAsync(rig);
        await File.WriteAllBytesAsync(Path.Combine(place, "a.iso"), [1]);
        await rig.UnplugAsync(sr);
        (await rig.Api.ErrorAsync("SR.destroy", sr)).Should().Equal("SR_NOT_EMPTY");
        await rig.Api.CallAsync("SR.forget", sr);
        File.Exists(Path.Combine(place, "a.iso")).Should().BeTrue();
    }

    [Fact]
    public async Task A_dummy_repository_has_disks_without_data()
    {
        var rig = await SrRig.CreateAsync(server);
        var manager = (await rig.Api.ListAsync("SM.get_all_where", "field \"type\" = \"dummy\"")).Single();
        (await rig.Api.CallAsync("SM.get_features", manager))["VDI_INTRODUCE"]!.ToString().Should().Be("1");
        (await rig.Api.ListAsync("SM.get_capabilities", manager)).Should().Contain("VDI_SNAPSHOT");
        var sr = await rig.MakeAsync("dummy", ("anything", "goes"));
        var vdi = await rig.DiskAsync(sr);
        await rig.Disks.ImportAsync(vdi, [1, 2, 3]);
        (await rig.Disks.ExportAsync(vdi)).Should().OnlyContain(b => b == 0);
        var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
        (await rig.Api.FlagAsync("VDI.get_read_only", snapshot)).Should().BeTrue();
        (await rig.Api.TextAsync("VDI.get_snapshot_of", snapshot)).Should().Be(vdi);
        await rig.Api.CallAsync("VDI.resize", vdi, 4 * Records.MiB);
        SrRig.Number(await rig.Api.CallAsync("SR.get_physical_size", sr)).Should().Be(2_000_000_000_000);
        SrRig.Number(await rig.Api.CallAsync("SR.get_virtual_allocation", sr)).Should().Be(6 * Records.MiB);
        SrRig.Number(await rig.Api.CallAsync("SR.get_physical_utilisation", sr)).Should().Be(6 * Records.MiB);
        await rig.UnplugAsync(sr);
        await rig.Api.CallAsync("PBD.plug", await rig.PbdAsync(sr));
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEquivalentTo(vdi, snapshot);
        (await rig.Api.TextAsync("SR.probe", rig.Host, JsonArguments.Map(), "dummy", JsonArguments.Map())).Should().Contain("<size>1024</size>");
    }

    private static async Task<(string Sr, string Place)> IsoAsync(SrRig rig)
    {
        var place = Directory.CreateDirectory(rig.NewPlace()).FullName;
        return (await rig.MakeAsync("iso", ("location", place), ("legacy_mode", "true")), place);
    }
}
