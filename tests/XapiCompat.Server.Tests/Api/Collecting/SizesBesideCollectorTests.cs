using FluentAssertions;
using XapiCompat.Server.Tests.Api.Repositories;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Collecting;

/// <summary>Whoever looks at an SR while its files change: in the end its sizes, those of its disks and the files agree.</summary>
public sealed class SizesBesideCollectorTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    private const int Block = 2 << 20;

    [Theory]
    [InlineData("SR.update", "coalesce_now")]
    [InlineData("SR.scan", "coalesce_now")]
    [InlineData("SR.update", "flatten_vdi")]
    [InlineData("SR.scan", "flatten_vdi")]
    public async Task A_look_in_the_middle_of_a_copy(string look, string function)
    {
        var (rig, sr, place, vdi) = await PrepareAsync(function);
        using (var pause = server.Faults.Pause("merge", 4))
        {
            var task = await BeginAsync(rig, sr, vdi, function);
            await pause.Reached;
            await rig.Api.CallAsync(look, sr);
            pause.Dispose();
            (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        }

        Directory.EnumerateFiles(place, "*.vhd").Should().ContainSingle();
        await CheckAsync(rig, sr, place);
    }

    [Theory]
    [InlineData("SR.update", "coalesce_now")]
    [InlineData("SR.scan", "coalesce_now")]
    [InlineData("SR.update", "flatten_vdi")]
    [InlineData("SR.scan", "flatten_vdi")]
    public async Task A_look_whose_records_are_written_after_those_of_the_collector(string look, string function)
    {
        var (rig, sr, place, vdi) = await PrepareAsync(function);
        using (var pause = server.Faults.Pause("stat", 1))
        {
            var looking = await rig.Api.TextAsync("Async." + look, sr);
            await pause.Reached;
            var task = await BeginAsync(rig, sr, vdi, function);
            (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
            pause.Dispose();
            (await rig.Api.FinishedAsync(looking))["status"]!.GetValue<string>().Should().Be("success");
        }

        await CheckAsync(rig, sr, place);
    }

    [Theory]
    [InlineData("coalesce_now")]
    [InlineData("flatten_vdi")]
    public async Task A_copy_that_breaks_off(string function)
    {
        var (rig, sr, place, vdi) = await PrepareAsync(function);
        var before = Directory.EnumerateFiles(place, "*.vhd").Sum(f => new FileInfo(f).Length);
        server.Faults.Fail("merge", 3, () => new IOException("broken"));
        await rig.Api.FinishedAsync(await BeginAsync(rig, sr, vdi, function));
        Directory.EnumerateFiles(place, "*.vhd").Sum(f => new FileInfo(f).Length).Should().BeGreaterThan(before);
        await CheckAsync(rig, sr, place);
    }

    [Fact]
    public async Task A_look_in_the_middle_of_an_import()
    {
        var (rig, sr, place, vdi) = await PrepareAsync("");
        using (var pause = server.Faults.Pause("write", 2))
        {
            var importing = rig.Disks.ImportAsync(vdi, new byte[4 * Block].Select((_, i) => (byte)(1 + (i % 251))).ToArray());
            await pause.Reached;
            await rig.Api.CallAsync("SR.update", sr);
            pause.Dispose();
            await importing;
        }

        await CheckAsync(rig, sr, place);
    }

    /// <summary>The end of an upload looks at its disk, and a snapshot comes before the record that follows from it.</summary>
    [Fact]
    public async Task A_look_at_a_disk_whose_record_is_written_after_that_of_a_snapshot()
    {
        var (rig, sr, place, vdi) = await PrepareAsync("");
        await CollectingServer.FillAsync(rig.Disks, vdi, 1, Block);
        using (var pause = server.Faults.Pause("stat_volume", 1))
        {
            var importing = CollectingServer.FillAsync(rig.Disks, vdi, 2, 2 * Block);
            await pause.Reached;
            await rig.Api.TextAsync("VDI.snapshot", vdi);
            pause.Dispose();
            await importing;
        }

        var parents = new List<string?>();
        foreach (var each in await rig.Api.ListAsync("SR.get_VDIs", sr))
            parents.Add((await rig.Disks.RecordAsync(each))["sm_config"]!["vhd-parent"]?.GetValue<string>());
        parents.Should().HaveCount(3);
        parents.Where(p => p is null).Should().ContainSingle("only the base copy has no parent");
        await CheckAsync(rig, sr, place);
    }

    [Fact]
    public async Task A_disk_that_grew_without_its_record_before_a_start()
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var vdi = await disks.CreateAsync(4 * Block);
        await using var copy = new RunningServerCopy(server.Server);
        using (var pause = server.Faults.Pause("write", 2))
        {
            var importing = CollectingServer.FillAsync(disks, vdi, 1, 4 * Block);
            await pause.Reached;
            copy.Take();
            pause.Dispose();
            await importing;
        }

        await copy.Server.StartAsync();
        var after = await SrRig.CreateAsync(copy.Server);
        var sr = await after.Disks.DefaultSrAsync();
        await CheckAsync(after, sr);
        await CollectingServer.FillAsync(after.Disks, vdi, 2, 4 * Block);
        await CheckAsync(after, sr);
    }

    /// <summary>A disk in an SR of its own; a merge makes its base longer, and so does flattening with the disk itself.</summary>
    private async Task<(SrRig Rig, string Sr, string Place, string Vdi)> PrepareAsync(string function)
    {
        var rig = await SrRig.CreateAsync(server.Server);
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);
        var vdi = await rig.DiskAsync(sr, size: 4 * Block);
        if (function.Length > 0)
        {
            await CollectingServer.FillAsync(rig.Disks, vdi, 1, function == "flatten_vdi" ? 4 * Block : 512);
            var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
            await CollectingServer.FillAsync(rig.Disks, vdi, 2, function == "flatten_vdi" ? 512 : 4 * Block);
            await rig.Api.CallAsync("VDI.destroy", snapshot);
        }

        return (rig, sr, place, vdi);
    }

    private static async Task<string> BeginAsync(SrRig rig, string sr, string vdi, string function) => await rig.Api.TextAsync(
        "Async.host.call_plugin", rig.Host, "xapicompat", function, function == "coalesce_now" ? JsonArguments.Map(("sr", sr)) : JsonArguments.Map(("vdi", vdi)));

    private static async Task CheckAsync(SrRig rig, string sr, string? place = null)
    {
        var (allocation, used, expectedAllocation, expectedUsed, files) = await rig.SizesAsync(sr, place ?? rig.Root);
        (allocation, used).Should().Be((expectedAllocation, expectedUsed));
        if (place is not null)
            used.Should().Be(files);
    }
}
