using System.Diagnostics;
using FluentAssertions;
using XapiCompat.Disks;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

public sealed class VhdTreeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private PluginHarness _harness = null!;

    private string Folder => Directory.GetDirectories(_harness.Root).Single();

    public async Task InitializeAsync() => _harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root));

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Theory]
    [InlineData(0, 2097152)]
    [InlineData(10, 2097152)]
    [InlineData(2097152, 2097152)]
    [InlineData(2097153, 4194304)]
    [InlineData(25769705472, 25769803776)]
    [InlineData(2190433320960, 2190433320960)]
    public async Task Sizes_are_whole_blocks(long asked, long given) =>
        (await _harness.CreateAsync(asked)).VirtualSize.Should().Be(given);

    [Fact]
    public async Task Sizes_above_2040_GiB_are_refused_with_the_sm_text()
    {
        var create = () => _harness.CreateAsync(2190433320961);
        (await create.Should().ThrowAsync<StorageException>()).Which.Should()
            .Match<StorageException>(e => e.Fault == StorageFault.VolumeSize && e.Message.StartsWith("no size for a VDI [opterr="));
    }

    [Fact]
    public async Task A_snapshot_makes_a_hidden_base_under_both_leaves()
    {
        var volume = await WrittenAsync();
        var changes = await _harness.Sr.SnapshotAsync(volume.Key, Guid.NewGuid(), NoParams, default);

        changes.Changed.Should().HaveCount(3);
        var hidden = changes.Changed.Single(v => !v.Managed);
        hidden.Should().Match<VolumeInfo>(v => v.Name == "base copy" && !v.ReadWrite && v.VirtualSize == volume.VirtualSize);
        hidden.SmConfig.Should().BeEmpty();
        changes.Changed.Where(v => v.Managed).Should().OnlyContain(v => v.SmConfig["vhd-parent"] == hidden.Key);
        changes.Changed.Should().Contain(v => v.Key == volume.Key);
        (await _harness.Sr.ListAsync(default)).Should().BeEquivalentTo(changes.Changed);

        await _harness.ReattachAsync();
        (await _harness.Sr.ListAsync(default)).Should().BeEquivalentTo(changes.Changed);
    }

    [Fact]
    public async Task An_empty_leaf_is_branched_without_a_base()
    {
        var volume = await WrittenAsync();
        var first = await _harness.SnapshotAsync(volume.Key);
        var changes = await _harness.Sr.SnapshotAsync(volume.Key, Guid.NewGuid(), NoParams, default);

        changes.Changed.Should().ContainSingle().Which.SmConfig.Should().BeEquivalentTo(first.SmConfig);
        (await _harness.Sr.ListAsync(default)).Count(v => !v.Managed).Should().Be(1);
    }

    [Fact]
    public async Task An_empty_root_gets_a_base_as_it_has_no_parent_to_share()
    {
        var volume = await _harness.CreateAsync(MiB);
        var changes = await _harness.Sr.CloneAsync(volume.Key, Guid.NewGuid(), NoParams, default);
        changes.Changed.Should().HaveCount(3);
    }

    [Fact]
    public async Task Bases_go_with_their_last_child()
    {
        var volume = await WrittenAsync();
        var first = await _harness.SnapshotAsync(volume.Key);
        await _harness.WriteAsync(volume.Key, 0, new byte[] { 2 });
        var second = await _harness.SnapshotAsync(volume.Key);

        (await _harness.DestroyAsync(first.Key)).Removed.Should().Equal(first.Key);
        (await _harness.DestroyAsync(volume.Key)).Removed.Should().Equal(volume.Key);
        var last = await _harness.DestroyAsync(second.Key);
        last.Removed.Should().HaveCount(3).And.StartWith(second.Key);
        Directory.EnumerateFiles(Folder).Should().BeEmpty();
    }

    [Fact]
    public async Task Bases_are_no_volumes_to_work_with()
    {
        var volume = await WrittenAsync();
        var parent = (await _harness.SnapshotAsync(volume.Key)).SmConfig["vhd-parent"];
        (await _harness.ReadAsync(parent))[0].Should().Be(1);

        foreach (var (use, fault) in new (Func<Task>, StorageFault)[]
        {
            (async () => await _harness.SnapshotAsync(parent), StorageFault.VolumeClone),
            (async () => await _harness.CloneAsync(parent), StorageFault.VolumeClone),
            (async () => await _harness.DestroyAsync(parent), StorageFault.VolumeDelete),
            (async () => await _harness.OpenAsync(parent, DatapathMode.ReadWrite), StorageFault.VolumeUnavailable),
            (async () => await _harness.Sr.ResizeAsync(parent, 4 * MiB, default), StorageFault.VolumeResize),
        })
        {
            (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(fault);
        }
    }

    [Fact]
    public async Task A_chain_of_30_files_takes_no_further_snapshot()
    {
        var volume = await WrittenAsync();
        for (var depth = 1; depth < 30; depth++)
        {
            await _harness.SnapshotAsync(volume.Key);
            await _harness.WriteAsync(volume.Key, depth * 512, new[] { (byte)depth });
        }

        var snapshot = () => _harness.SnapshotAsync(volume.Key);
        (await snapshot.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.ChainTooLong);
        await _harness.ReattachAsync();
        (await snapshot.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.ChainTooLong);
        var data = await _harness.ReadAsync(volume.Key);
        Enumerable.Range(1, 29).Should().OnlyContain(depth => data[depth * 512] == depth);
    }

    [Fact]
    public async Task A_thousand_clones_of_one_snapshot_cost_the_same_each()
    {
        var volume = await WrittenAsync();
        var snapshot = await _harness.SnapshotAsync(volume.Key);
        var times = new List<double>();
        var clones = new List<string>();
        for (var number = 0; number < 1000; number++)
        {
            var watch = Stopwatch.StartNew();
            clones.Add((await _harness.CloneAsync(snapshot.Key)).Key);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        output.WriteLine($"median of clones 1-100: {times.Take(100).Order().ElementAt(50):0.000} ms, of 901-1000: {times.TakeLast(100).Order().ElementAt(50):0.000} ms");
        var expected = await _harness.ReadAsync(snapshot.Key);
        var open = new List<IBlockDevice>();
        var opening = Stopwatch.StartNew();
        foreach (var clone in clones)
            open.Add(await _harness.OpenAsync(clone, DatapathMode.ReadWrite));
        output.WriteLine($"1000 clones opened for writing in {opening.Elapsed.TotalMilliseconds:0} ms");
        await _harness.DestroyAsync(volume.Key);
        await _harness.DestroyAsync(snapshot.Key);
        var data = new byte[expected.Length];
        for (var number = 0; number < clones.Count; number++)
        {
            await open[number].WriteAsync(number, new[] { (byte)(number + 7) });
            await open[number].ReadAsync(0, data);
            data[number].Should().Be((byte)(number + 7));
            data[number] = expected[number];
            data.AsSpan().SequenceEqual(expected).Should().BeTrue();
        }

        foreach (var device in open)
            await device.DisposeAsync();
        var attaching = Stopwatch.StartNew();
        await _harness.ReattachAsync();
        output.WriteLine($"attach with 1001 files in {attaching.Elapsed.TotalMilliseconds:0} ms");
        foreach (var clone in clones)
            await _harness.DestroyAsync(clone);
        Directory.EnumerateFiles(Folder).Should().BeEmpty();
    }

    [Fact]
    public async Task A_comparison_names_exactly_the_blocks_of_files_in_one_chain_only()
    {
        var volume = await _harness.CreateAsync(20 * MiB);
        await _harness.WriteAsync(volume.Key, 0, new byte[] { 1 });
        var first = await _harness.SnapshotAsync(volume.Key);
        await _harness.WriteAsync(volume.Key, 5 * MiB, new byte[] { 2 });
        await _harness.WriteAsync(volume.Key, 7 * MiB, new byte[] { 2 });
        var second = await _harness.SnapshotAsync(volume.Key);
        await _harness.WriteAsync(volume.Key, 19 * MiB, new byte[] { 3 });

        (await _harness.Sr.CompareAsync(first.Key, second.Key, default)).Should().Equal(new Extent(4 * MiB, 4 * MiB, ExtentKind.Data));
        (await _harness.Sr.CompareAsync(second.Key, first.Key, default)).Should().Equal(new Extent(4 * MiB, 4 * MiB, ExtentKind.Data));
        (await _harness.Sr.CompareAsync(second.Key, volume.Key, default)).Should().Equal(new Extent(18 * MiB, 2 * MiB, ExtentKind.Data));
        (await _harness.Sr.CompareAsync(first.Key, volume.Key, default)).Should().Equal(
            new Extent(4 * MiB, 4 * MiB, ExtentKind.Data), new Extent(18 * MiB, 2 * MiB, ExtentKind.Data));
        var unrelated = await _harness.CreateAsync(4 * MiB);
        (await _harness.Sr.CompareAsync(second.Key, unrelated.Key, default)).Should().Equal(new Extent(0, 2 * MiB, ExtentKind.Data));
    }

    [Fact]
    public async Task Comparing_snapshots_of_a_deep_chain_opens_only_the_files_that_differ()
    {
        var volume = await WrittenAsync();
        for (var depth = 1; depth < 10; depth++)
        {
            await _harness.SnapshotAsync(volume.Key);
            await _harness.WriteAsync(volume.Key, depth, new byte[] { 1 });
        }

        var one = await _harness.SnapshotAsync(volume.Key);
        var two = await _harness.SnapshotAsync(volume.Key);
        foreach (var hidden in (await _harness.Sr.ListAsync(default)).Where(v => !v.Managed))
            File.Move(Path.Combine(Folder, hidden.Key + ".vhd"), Path.Combine(Folder, hidden.Key + ".away"));

        (await _harness.Sr.CompareAsync(one.Key, two.Key, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Parents_are_named_relative_and_the_files_are_sound_to_qemu()
    {
        var qemu = RequiredTool.Find("qemu-img");
        var volume = await WrittenAsync();
        var snapshot = await _harness.SnapshotAsync(volume.Key);
        await using var leaf = VhdFile.Open(Path.Combine(Folder, snapshot.Key + ".vhd"), VhdAccess.Read);
        leaf.ParentName.Should().Be(snapshot.SmConfig["vhd-parent"] + ".vhd");
        VhdChecker.Check(leaf.Path).Should().BeEmpty();
        await using var parent = VhdFile.Open(Path.Combine(Folder, leaf.ParentName), VhdAccess.Read);
        parent.IsHidden.Should().BeTrue();
        VhdChecker.Check(parent.Path).Should().BeEmpty();
        RequiredTool.Run(qemu, "check", "-f", "vpc", parent.Path).Output.Should().NotContainAny("Could not", "rror:");
    }

    [Fact]
    public async Task Foreign_broken_and_misplaced_files_are_reported_and_left_alone()
    {
        var volume = await WrittenAsync();
        var snapshot = await _harness.SnapshotAsync(volume.Key);
        var parent = snapshot.SmConfig["vhd-parent"];
        var names = new[] { Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid() }.Select(id => id + ".vhd").ToList();
        File.WriteAllText(Path.Combine(Folder, names[0]), "no VHD");
        File.WriteAllBytes(Path.Combine(Folder, names[1]), []);
        names.Add("readme.txt");
        names.Add("NOT-A-UUID.vhd");
        File.WriteAllText(Path.Combine(Folder, names[3]), "x");
        File.WriteAllText(Path.Combine(Folder, names[4]), "x");
        await using (var orphan = VhdFile.Create(Path.Combine(Folder, names[2]), new VhdCreateOptions
        {
            VirtualSize = 2 * MiB,
            UniqueId = Guid.NewGuid(),
            DiskType = VhdDiskType.Differencing,
            ParentUniqueId = Guid.NewGuid(),
            ParentName = parent + ".vhd",
        }))
        {
        }

        // Both children gone from sight while something is broken: the base may be all that is left of somebody's data.
        foreach (var key in new[] { volume.Key, snapshot.Key })
            File.Move(Path.Combine(Folder, key + ".vhd"), Path.Combine(Folder, key + ".hidden"));
        await _harness.ReattachAsync();

        _harness.Sr.Problems.Should().HaveCount(3);
        (await _harness.Sr.ListAsync(default)).Should().ContainSingle().Which.Key.Should().Be(parent);
        names.Should().OnlyContain(name => File.Exists(Path.Combine(Folder, name)));
        File.Exists(Path.Combine(Folder, parent + ".vhd")).Should().BeTrue();
    }

    [Fact]
    public async Task Half_written_files_of_an_interruption_are_cleared_away()
    {
        var volume = await WrittenAsync();
        var garbage = new byte[1000];
        File.ReadAllBytes(Path.Combine(Folder, volume.Key + ".vhd")).AsSpan(0, 1000).CopyTo(garbage);
        foreach (var name in new[] { Guid.NewGuid() + ".vhd.tmp", volume.Key + ".vhd.new", volume.Key + ".meta.new", Guid.NewGuid() + ".meta" })
            File.WriteAllBytes(Path.Combine(Folder, name), garbage);
        await _harness.ReattachAsync();

        Directory.EnumerateFiles(Folder).Select(Path.GetFileName).Should().BeEquivalentTo(volume.Key + ".vhd", volume.Key + ".meta");
        (await _harness.ReadAsync(volume.Key))[0].Should().Be(1);
    }

    [Fact]
    public async Task A_broken_file_that_was_repaired_is_found_by_the_next_list()
    {
        var volume = await WrittenAsync();
        var copy = Path.Combine(Folder, Guid.NewGuid() + ".vhd");
        File.WriteAllText(copy, "not yet");
        (await _harness.Sr.ListAsync(default)).Should().ContainSingle();
        _harness.Sr.Problems.Should().ContainSingle();
        File.Copy(Path.Combine(Folder, volume.Key + ".vhd"), copy, overwrite: true);
        (await _harness.Sr.ListAsync(default)).Should().HaveCount(2);
        _harness.Sr.Problems.Should().BeEmpty();
    }

    [Fact]
    public async Task Files_put_into_the_directory_become_volumes_with_the_next_list()
    {
        var volume = await WrittenAsync();
        var copy = Guid.NewGuid();
        File.Copy(Path.Combine(Folder, volume.Key + ".vhd"), Path.Combine(Folder, copy + ".vhd"));
        (await _harness.Sr.ListAsync(default)).Should().Contain(v => v.Uuid == copy);
        (await _harness.ReadAsync(copy.ToString()))[0].Should().Be(1);
        File.Delete(Path.Combine(Folder, copy + ".vhd"));
        (await _harness.Sr.ListAsync(default)).Should().ContainSingle();
    }

    [Fact]
    public async Task Writers_that_were_not_reopened_after_a_snapshot_are_stopped()
    {
        var volume = await WrittenAsync();
        await using var device = await _harness.OpenAsync(volume.Key, DatapathMode.ReadWrite);
        await _harness.SnapshotAsync(volume.Key);
        var write = async () => await device.WriteAsync(0, new byte[] { 9 });
        await write.Should().ThrowAsync<IOException>();
        (await _harness.ReadAsync(volume.Key))[0].Should().Be(1);
    }

    private async Task<VolumeInfo> WrittenAsync()
    {
        var volume = await _harness.CreateAsync(2 * MiB);
        await _harness.WriteAsync(volume.Key, 0, new byte[] { 1 });
        return volume;
    }
}
