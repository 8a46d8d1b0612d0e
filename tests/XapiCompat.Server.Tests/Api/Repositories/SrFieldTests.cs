using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>Names, sizes, hosts and blobs of SRs; PBDs and who may plug them.</summary>
public sealed class SrFieldTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("SR.scan", "SR.update")]
    public async Task The_sizes_are_true_after_everything()
    {
        var rig = await SrRig.CreateAsync(server);
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);

        async Task CheckAsync(string after)
        {
            var (allocation, used, expectedAllocation, expectedUsed, files) = await rig.SizesAsync(sr, place);
            allocation.Should().Be(expectedAllocation, after);
            used.Should().Be(expectedUsed, after).And.Be(files, after);
        }

        var disk = await rig.DiskAsync(sr, "disk", 8 * Records.MiB);
        await CheckAsync("create");
        await rig.Disks.ImportAsync(disk, new byte[3 * Records.MiB].Select((_, i) => (byte)i).ToArray());
        await CheckAsync("write");
        var snapshot = await rig.Api.TextAsync("VDI.snapshot", disk);
        await CheckAsync("snapshot");
        var clone = await rig.Api.TextAsync("VDI.clone", snapshot);
        await CheckAsync("clone");
        await rig.Disks.ImportAsync(clone, [1, 2, 3]);
        await CheckAsync("write to a clone");
        await rig.Api.CallAsync("VDI.resize", disk, 20 * Records.MiB);
        await CheckAsync("resize");
        await rig.Api.CallAsync("VDI.destroy", disk);
        await CheckAsync("destroy");
        await rig.Api.CallAsync("VDI.destroy", snapshot);
        await CheckAsync("destroy of a snapshot");

        foreach (var call in (string[])["SR.update", "SR.scan"])
        {
            rig.Set(sr, "physical_size", 1);
            rig.Set(sr, "physical_utilisation", 1);
            rig.Set(sr, "virtual_allocation", 1);
            await rig.Api.CallAsync(call, sr);
            await CheckAsync(call);
            SrRig.Number(await rig.Api.CallAsync("SR.get_physical_size", sr)).Should().BeGreaterThan(1);
        }

        File.Copy(Directory.EnumerateFiles(place, "*.vhd").OrderBy(f => new FileInfo(f).Length).Last(), Path.Combine(place, Guid.NewGuid() + ".vhd"));
        var count = (await rig.Api.ListAsync("SR.get_VDIs", sr)).Count;
        await rig.Api.CallAsync("SR.add_to_other_config", sr, "dirty", "");
        await rig.Api.CallAsync("SR.scan", sr);
        await CheckAsync("scan of a foreign file");
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Count.Should().Be(count + 1);
        (await rig.Api.CallAsync("SR.get_other_config", sr)).AsObject().ContainsKey("dirty").Should().BeFalse();
    }

    [Fact]
    public async Task Only_what_is_plugged_and_able_is_updated()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        await rig.UnplugAsync(sr);
        (await rig.Api.ErrorAsync("SR.update", sr)).Should().Equal("SR_HAS_NO_PBDS", sr);
        (await rig.Api.ErrorAsync("SR.scan", sr)).Should().Equal("SR_HAS_NO_PBDS", sr);
        var tools = (await rig.Api.ListAsync("SR.get_by_name_label", "XCP-ng Tools"))[0];
        (await rig.Api.ErrorAsync("SR.update", tools)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", tools);
    }

    [Fact]
    [SeesEffectOf(
        "SR.set_name_label", "SR.set_name_description", "SR.set_shared", "SR.set_physical_size", "SR.set_physical_utilisation", "SR.set_virtual_allocation")]
    public async Task Fields_are_set()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        foreach (var (field, value) in new (string, object)[]
        {
            ("name_label", "new"), ("name_description", "newer"), ("shared", true), ("physical_size", 5), ("physical_utilisation", 6), ("virtual_allocation", 7),
        })
        {
            await rig.Api.CallAsync("SR.set_" + field, sr, value);
            (await rig.Api.CallAsync("SR.get_" + field, sr)).ToString().Should().Be(value.ToString()!.Replace("True", "true", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_repository_of_several_hosts_stays_shared()
    {
        var rig = await SrRig.CreateAsync(server);
        var second = SecondHost();
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);
        var pbd = await rig.ConnectAsync(sr, JsonArguments.Map(("location", place)), second);
        (await rig.Api.ErrorAsync("PBD.plug", pbd)).Should().Equal("SR_NOT_SHARABLE", sr, rig.Host);
        (await rig.Api.ErrorAsync("PBD.create", JsonArguments.Map(("host", second), ("SR", sr), ("device_config", JsonArguments.Map()), ("other_config", JsonArguments.Map()))))
            .Should().Equal("PBD_EXISTS", sr, second, pbd);
        await rig.Api.CallAsync("SR.set_shared", sr, true);
        await rig.Api.CallAsync("PBD.plug", pbd);
        (await rig.Api.ErrorAsync("SR.set_shared", sr, false))[0].Should().Be("SR_HAS_MULTIPLE_PBDS");

        // The SR stays in use until its last PBD is unplugged.
        await rig.Api.CallAsync("PBD.unplug", (await rig.Api.ListAsync("SR.get_PBDs", sr)).First(p => p != pbd));
        await rig.DiskAsync(sr);
        await rig.Api.CallAsync("PBD.unplug", pbd);
        await rig.Api.CallAsync("PBD.unplug", pbd);
        (await rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, 1))).Should().Equal("SR_HAS_NO_PBDS", sr);
        server.Host.Records.Commit(unit => unit.Delete(second));
    }

    [Fact]
    [SeesEffectOf("SR.get_live_hosts")]
    public async Task Live_hosts_have_the_repository_plugged()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        (await rig.Api.ListAsync("SR.get_live_hosts", sr)).Should().Equal(rig.Host);
        await rig.UnplugAsync(sr);
        (await rig.Api.ListAsync("SR.get_live_hosts", sr)).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("SR.create_new_blob")]
    public async Task A_blob_hangs_on_its_repository()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        var blob = await rig.Api.TextAsync("SR.create_new_blob", sr, "notes", "text/plain", true);
        (await rig.Api.CallAsync("SR.get_blobs", sr))["notes"]!.GetValue<string>().Should().Be(blob);
        (await rig.Api.TextAsync("blob.get_mime_type", blob)).Should().Be("text/plain");
        (await rig.Api.FlagAsync("blob.get_public", blob)).Should().BeTrue();
        (await rig.Api.ErrorAsync("SR.create_new_blob", sr, "notes", "", false)).Should().Equal("MAP_DUPLICATE_KEY", "SR", "blobs", sr, "notes");
        var plain = await rig.Api.TextAsync("SR.create_new_blob", sr, "other", "");
        (await rig.Api.TextAsync("blob.get_mime_type", plain)).Should().Be("application/octet-stream");
    }

    [Fact]
    public async Task Disks_of_running_VMs_keep_their_repository()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        var vdi = await rig.DiskAsync(sr);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("user"));
        var vbd = await rig.Api.TextAsync("VBD.create", Records.Vbd(vm, vdi));
        rig.Set(vm, "resident_on", rig.Host);
        rig.Set(vbd, "currently_attached", true);
        var pbd = await rig.PbdAsync(sr);
        (await rig.Api.ErrorAsync("PBD.unplug", pbd)).Should().Equal("VDI_IN_USE", vdi);
        (await rig.Api.FlagAsync("PBD.get_currently_attached", pbd)).Should().BeTrue();
        rig.Set(vbd, "currently_attached", false);
        await rig.Api.CallAsync("PBD.unplug", pbd);
    }

    [Fact]
    public async Task A_download_under_way_keeps_its_repository()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        var vdi = await rig.DiskAsync(sr, "large", 512 * Records.MiB);
        var pbd = await rig.PbdAsync(sr);
        using (await server.Http.GetAsync($"/export_raw_vdi?session_id={rig.Api.Session}&vdi={vdi}&format=raw", HttpCompletionOption.ResponseHeadersRead))
        {
            (await rig.Api.ErrorAsync("PBD.unplug", pbd)).Should().Equal("VDI_IN_USE", vdi);
            (await rig.Api.FlagAsync("PBD.get_currently_attached", pbd)).Should().BeTrue();
            await rig.DiskAsync(sr);
        }

        await rig.Api.CallAsync("PBD.unplug", pbd);
    }

    [Fact]
    public async Task Further_roots_are_given_at_the_start()
    {
        using var root = new Testing.TempDirectory();
        var own = await RunningServer.CreateAsync(options => options with { SrRoots = [root.Path] });
        try
        {
            var rig = await SrRig.CreateAsync(own);
            await rig.DiskAsync(await rig.MakeFileAsync(root.File("disks")));
            Directory.EnumerateFiles(root.File("disks"), "*.vhd").Should().HaveCount(1);
            await rig.DiskAsync(await rig.MakeAsync("nfs", ("server", "filer"), ("serverpath", "/export")));
            Directory.EnumerateFiles(root.File("nfs/filer/export"), "*.vhd", SearchOption.AllDirectories).Should().HaveCount(1);
        }
        finally
        {
            await own.DisposeAsync();
        }

        ServerOptions.Parse(["--sr-root", root.Path, "--sr-root=/"], _ => null).SrRoots.Should().Equal(root.Path, "/");
        var missing = () => ServerOptions.Parse(["--sr-root", root.File("missing")], _ => null);
        missing.Should().Throw<StartFailure>().WithMessage("--sr-root takes a directory that exists*");
    }

    [Fact]
    [SeesEffectOf("PBD.set_device_config")]
    public async Task A_new_device_config_counts_from_the_next_plug_on()
    {
        var rig = await SrRig.CreateAsync(server);
        var (first, second) = (rig.NewPlace(), rig.NewPlace());
        var sr = await rig.MakeFileAsync(first);
        await rig.DiskAsync(sr);
        await rig.UnplugAsync(sr);
        Directory.Move(first, second);
        var pbd = await rig.PbdAsync(sr);
        (await rig.Api.ErrorAsync("PBD.plug", pbd))[0].Should().Be("SR_BACKEND_FAILURE_47");
        (await rig.Api.FlagAsync("PBD.get_currently_attached", pbd)).Should().BeFalse();
        await rig.Api.CallAsync("PBD.set_device_config", pbd, JsonArguments.Map(("location", second)));
        await rig.Api.CallAsync("PBD.plug", pbd);
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().HaveCount(1);
        (await rig.Api.ErrorAsync("PBD.set_device_config", pbd, JsonArguments.Map(("SRmaster", "x")))).Take(3).Should().Equal("VALUE_NOT_SUPPORTED", "SRmaster", "x");
        (await rig.Api.ErrorAsync("PBD.create", JsonArguments.Map(
            ("host", rig.Host), ("SR", await rig.IntroduceAsync("", "file")), ("device_config", JsonArguments.Map(("SRmaster", "x"))), ("other_config", JsonArguments.Map()))))[0]
            .Should().Be("VALUE_NOT_SUPPORTED");
    }

    [Fact]
    public async Task A_busy_repository_is_waited_for()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        rig.Set(sr, "current_operations", new Values.XenStruct(["OpaqueRef:task"], [Values.XenString.Of("vdi_create")]));
        var task = await rig.Api.TextAsync("Async.PBD.unplug", await rig.PbdAsync(sr));
        (await rig.Api.ListAsync("SR.get_allowed_operations", sr)).Should().BeEmpty();
        rig.Set(sr, "current_operations", Values.XenStruct.Empty);
        (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
    }

    private string SecondHost()
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class("host"), reference, [("uuid", Guid.NewGuid().ToString()), ("name_label", "second")]));
        return reference;
    }
}
