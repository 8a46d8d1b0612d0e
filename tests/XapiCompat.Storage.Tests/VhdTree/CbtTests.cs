using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using static XapiCompat.Storage.Tests.VhdTree.CbtBits;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Changed-block tracking, as a plugin offers it and as the host uses it.</summary>
public sealed class CbtTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private Guid _boot = Guid.NewGuid();
    private PluginHarness _harness = null!;

    private ISr Sr => _harness.Sr;

    private string Folder => Directory.GetDirectories(_harness.Root).Single();

    public async Task InitializeAsync() => _harness = await PluginHarness.StartAsync(root => new PluginOfTheHour(() => Trees.NewPlugin(root, new VhdTreeOptions { Boot = _boot })));

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task Bits_come_most_significant_first()
    {
        var disk = await TrackedAsync(8 * MiB);
        var first = await _harness.SnapshotAsync(disk);
        foreach (var block in new[] { 0, 5, 127 })
            await WriteAsync(disk, block);
        var changes = await Sr.ListChangedBlocksAsync(first.Key, disk, default);
        Convert.ToBase64String(changes.Bitmap.Span).Should().Be("hAAAAAAAAAAAAAAAAAAAAQ==");
        changes.Granularity.Should().Be(65536);
    }

    [Fact]
    public async Task A_chain_of_snapshots_adds_up_across_attaches_and_links_name_both_ends()
    {
        var disk = await TrackedAsync(4 * MiB);
        var keys = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            keys.Add((await _harness.SnapshotAsync(disk)).Key);
            await WriteAsync(disk, 10 * i + 1);
            await _harness.ReattachAsync();
        }

        (await ChangedAsync(Sr, keys[0], keys[1])).Should().Equal(1);
        (await ChangedAsync(Sr, keys[1], keys[3])).Should().Equal(11, 21);
        (await ChangedAsync(Sr, keys[0], disk)).Should().Equal(1, 11, 21, 31);
        Link(keys[1], parent: true).Should().Be(keys[0]);
        Link(keys[1], parent: false).Should().Be(keys[2]);
        Link(keys[3], parent: false).Should().Be(disk);
        (await _harness.StatAsync(keys[2])).CbtEnabled.Should().BeTrue();
        (await Sr.ListAsync(default)).Where(v => !v.Managed).Should().OnlyContain(v => !v.CbtEnabled);
    }

    [Fact]
    public async Task Ranges_and_zeroes_mark_every_block_they_touch()
    {
        var disk = await TrackedAsync(4 * MiB);
        var start = (await _harness.SnapshotAsync(disk)).Key;
        await using (var device = await _harness.OpenAsync(disk, DatapathMode.ReadWrite))
        {
            await device.WriteAsync(3 * Block - 1, new byte[2]);
            await device.WriteAsync(5 * Block, new byte[Block]);
            await device.WriteAsync(6 * Block, ReadOnlyMemory<byte>.Empty);
            await device.ZeroAsync(7 * Block + 5, 20 * Block);
            (await ChangedAsync(Sr, start, disk)).Should().Equal([2, 3, 5, .. Enumerable.Range(7, 21)]);
        }

        (await ChangedAsync(Sr, start, disk)).Should().Equal([2, 3, 5, .. Enumerable.Range(7, 21)]);
    }

    [Fact]
    public async Task Same_reversed_unrelated_and_untracked_volumes_are_refused()
    {
        var disk = await TrackedAsync(2 * MiB);
        var snapshot = (await _harness.SnapshotAsync(disk)).Key;
        var clone = (await _harness.CloneAsync(snapshot)).Key;
        var other = await TrackedAsync(2 * MiB);
        (await RefusalAsync(disk, disk)).Should().EndWith("[opterr=Source and target VDI are same]");
        foreach (var (from, to) in new[] { (disk, snapshot), (other, disk), (snapshot, other), (snapshot, clone), (clone, disk) })
            (await RefusalAsync(from, to)).Should().EndWith("[opterr=Source and target VDI are unrelated]");
        (await _harness.StatAsync(clone)).CbtEnabled.Should().BeFalse();
    }

    [Fact]
    public async Task Tracking_begins_and_ends_where_the_host_says_so_under_an_open_writer()
    {
        var disk = (await _harness.CreateAsync(4 * MiB)).Key;
        var sr = new AttachedSr(Guid.NewGuid(), Sr);
        await using var device = await sr.OpenAsync(disk, DatapathMode.ReadWrite, default);
        await device.WriteAsync(0, new byte[1]);
        (await sr.EnableCbtAsync(disk, default)).Volume!.CbtEnabled.Should().BeTrue();
        await device.WriteAsync(Block, new byte[1]);
        (await sr.EnableCbtAsync(disk, default)).Changed.Should().OnlyContain(v => v.CbtEnabled);
        var first = (await sr.SnapshotAsync(disk, Guid.NewGuid(), NoParams, default)).Volume!;
        first.CbtEnabled.Should().BeTrue();
        await device.WriteAsync(2 * Block, new byte[1]);
        var second = (await sr.SnapshotAsync(disk, Guid.NewGuid(), NoParams, default)).Volume!.Key;
        await device.WriteAsync(3 * Block, new byte[1]);
        (await ChangedAsync(Sr, first.Key, second)).Should().Equal(2);
        (await ChangedAsync(Sr, second, disk)).Should().Equal(3);
        (await sr.ListChangedBlocksAsync(first.Key, disk, default)).Bitmap.Span[0].Should().Be(0x30);

        (await sr.DisableCbtAsync(disk, default)).Volume!.CbtEnabled.Should().BeFalse();
        (await sr.DisableCbtAsync(disk, default)).Volume!.CbtEnabled.Should().BeFalse();
        await device.WriteAsync(4 * Block, new byte[1]);
        (await ChangedAsync(Sr, first.Key, second)).Should().Equal([2], "older logs stay");
        await RefusalAsync(second, disk);
        await sr.EnableCbtAsync(disk, default);
        await RefusalAsync(second, disk);
        var third = (await sr.SnapshotAsync(disk, Guid.NewGuid(), NoParams, default)).Volume!.Key;
        (await ChangedAsync(Sr, third, disk)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_volume_without_data_keeps_its_place_in_the_chain_its_name_and_its_size()
    {
        var disk = await TrackedAsync(4 * MiB);
        var keys = await ChainAsync(disk, 3);
        await Sr.SetAsync(keys[1], new Dictionary<string, string?> { ["a"] = "b" }, default);
        var before = await _harness.StatAsync(keys[1]);
        var changes = await Sr.DataDestroyAsync(keys[1], default);
        changes.Volume.Should().Match<VolumeInfo>(v => v.Kind == VolumeKind.CbtMetadata && v.CbtEnabled && v.Managed && v.VirtualSize == 4 * MiB && v.PhysicalUtilisation < 4096);
        changes.Removed.Should().NotContain(keys[1]);
        (await Sr.DataDestroyAsync(keys[1], default)).Volume!.Kind.Should().Be(VolumeKind.CbtMetadata);
        Directory.GetFiles(Folder, keys[1] + "*").Select(Path.GetExtension).Should().BeEquivalentTo(".cbtlog", ".meta");

        for (var round = 0; round < 2; round++)
        {
            (await _harness.StatAsync(keys[1])).Should().Match<VolumeInfo>(v => v.Name == before.Name && v.Keys["a"] == "b" && v.Kind == VolumeKind.CbtMetadata);
            (await _harness.ManagedAsync()).Select(v => v.Key).Should().BeEquivalentTo([disk, .. keys]);
            (await ChangedAsync(Sr, keys[0], keys[1])).Should().Equal(1);
            (await ChangedAsync(Sr, keys[1], keys[2])).Should().Equal(2);
            (await ChangedAsync(Sr, keys[0], disk)).Should().Equal(1, 2, 3);
            await _harness.ReattachAsync();
        }

        foreach (var refused in new Func<Task>[]
        {
            () => _harness.OpenAsync(keys[1], DatapathMode.Read).AsTask(), () => _harness.SnapshotAsync(keys[1]), () => _harness.CloneAsync(keys[1]),
            () => Sr.ResizeAsync(keys[1], 8 * MiB, default).AsTask(), () => Sr.DisableCbtAsync(keys[1], default).AsTask(),
            () => Sr.CreateVolumeAsync(new VolumeSpec(Guid.Parse(keys[1]), "taken", "", MiB, false, NoParams), default).AsTask(),
        })
            await refused.Should().ThrowAsync<StorageException>();
        await Sr.SetNameAsync(keys[1], "renamed", "", default);
        await _harness.ReattachAsync();
        (await _harness.StatAsync(keys[1])).Name.Should().Be("renamed");

        (await _harness.DestroyAsync(keys[1])).Removed.Should().Equal(keys[1]);
        (await ChangedAsync(Sr, keys[0], keys[2])).Should().Equal(1, 2);
        Directory.GetFiles(Folder, keys[1] + "*").Should().BeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_destroyed_snapshot_leaves_what_it_noted_to_its_child(bool withoutData)
    {
        var disk = await TrackedAsync(4 * MiB);
        var keys = await ChainAsync(disk, 4);
        await using (var writer = await _harness.OpenAsync(disk, DatapathMode.ReadWrite))
        {
            await writer.WriteAsync(30 * Block, new byte[1]);
            foreach (var key in new[] { keys[2], keys[3] })
            {
                if (withoutData)
                    await Sr.DataDestroyAsync(key, default);
                await _harness.DestroyAsync(key);
            }

            await writer.WriteAsync(31 * Block, new byte[1]);
        }

        (await ChangedAsync(Sr, keys[1], disk)).Should().Equal(2, 3, 4, 30, 31);
        Link(disk, parent: true).Should().Be(keys[1]);
        Link(keys[1], parent: false).Should().Be(disk);
        await _harness.DestroyAsync(keys[0]);
        (await ChangedAsync(Sr, keys[1], disk)).Should().Equal(2, 3, 4, 30, 31);
        Link(keys[1], parent: true).Should().Be(Guid.Empty.ToString());
        await _harness.DestroyAsync(disk);
        await _harness.DestroyAsync(keys[1]);
        Directory.GetFiles(Folder).Should().BeEmpty();
    }

    [Fact]
    public async Task A_disk_that_grows_has_unwritten_blocks_behind_its_old_end()
    {
        var disk = await TrackedAsync(2 * MiB);
        var small = (await _harness.SnapshotAsync(disk)).Key;
        await WriteAsync(disk, 31);
        await Sr.ResizeAsync(disk, 6 * MiB, default);
        (await ChangedAsync(Sr, small, disk)).Should().Equal(31);
        await WriteAsync(disk, 95);
        await _harness.ReattachAsync();
        (await ChangedAsync(Sr, small, disk)).Should().Equal(31, 95);
        var large = (await _harness.SnapshotAsync(disk)).Key;
        (await ChangedAsync(Sr, small, large)).Should().Equal(31, 95);
        (await ChangedAsync(Sr, large, disk)).Should().BeEmpty();
    }

    [Fact]
    public async Task Writing_to_a_snapshot_counts_for_what_came_after_it()
    {
        var disk = await TrackedAsync(2 * MiB);
        var keys = await ChainAsync(disk, 2);
        await WriteAsync(keys[1], 9);
        (await ChangedAsync(Sr, keys[0], keys[1])).Should().Equal(1, 9);
        (await ChangedAsync(Sr, keys[1], disk)).Should().Equal(2, 9);
    }

    [Fact]
    public async Task A_snapshot_that_has_outgrown_its_disk_is_written_and_told_apart_when_the_disk_grows()
    {
        var disk = await TrackedAsync(2 * MiB);
        var snapshot = (await _harness.SnapshotAsync(disk)).Key;
        await Sr.ResizeAsync(snapshot, 4 * MiB, default);
        await WriteAsync(snapshot, 40);
        await WriteAsync(snapshot, 3);
        await Sr.ResizeAsync(disk, 6 * MiB, default);
        (await ChangedAsync(Sr, snapshot, disk)).Should().Contain([3, 40]).And.OnlyContain(block => block == 3 || (block >= 32 && block < 64));
        await WriteAsync(snapshot, 63);
        await WriteAsync(disk, 70);
        (await ChangedAsync(Sr, snapshot, disk)).Should().Contain([3, 40, 63, 70]);
    }

    [Fact]
    public async Task A_snapshot_of_a_snapshot_comes_before_it()
    {
        var disk = await TrackedAsync(2 * MiB);
        var keys = await ChainAsync(disk, 2);
        var between = (await _harness.SnapshotAsync(keys[1])).Key;
        (await ChangedAsync(Sr, keys[0], between)).Should().Equal(1);
        (await ChangedAsync(Sr, between, keys[1])).Should().BeEmpty();
        (await ChangedAsync(Sr, between, disk)).Should().Equal(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_writer_that_dies_costs_nothing_and_a_loss_of_power_costs_the_log(bool power)
    {
        var disk = await TrackedAsync(2 * MiB);
        var snapshot = (await _harness.SnapshotAsync(disk)).Key;
        await WriteAsync(disk, 3);
        var calm = await TrackedAsync(2 * MiB);
        var copy = Path.Combine(_harness.Root, "copy");
        await using (var device = await _harness.OpenAsync(disk, DatapathMode.ReadWrite))
        {
            await device.WriteAsync(4 * Block, new byte[] { 1 });
            var files = Directory.GetFiles(Folder);
            Directory.CreateDirectory(copy);
            foreach (var file in files)
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        if (power)
            _boot = Guid.NewGuid();
        var plugin = new VhdTreePlugin([_harness.Root], Trees.TypeAt(_ => copy), TimeProvider.System, new VhdTreeOptions { Boot = _boot });
        await using var found = await plugin.AttachAsync(new(Guid.NewGuid(), NoParams), default);
        (await found.StatVolumeAsync(disk, default)).CbtEnabled.Should().Be(!power);
        (await found.StatVolumeAsync(snapshot, default)).CbtEnabled.Should().BeTrue();
        (await found.StatVolumeAsync(calm, default)).CbtEnabled.Should().BeTrue();
        File.Exists(Path.Combine(copy, disk + ".cbtlog")).Should().Be(!power);
        if (!power)
            (await ChangedAsync(found, snapshot, disk)).Should().Equal(3, 4);
    }

    [Fact]
    public async Task Logs_that_are_none_are_named_and_left_alone_until_tracking_begins_anew()
    {
        var disk = (await _harness.CreateAsync(2 * MiB)).Key;
        var path = Path.Combine(Folder, disk + ".cbtlog");
        await File.WriteAllBytesAsync(path, new byte[47]);
        await File.WriteAllBytesAsync(Path.Combine(Folder, Guid.NewGuid() + ".cbtlog"), [.. new byte[40], 255, 255, 255, 255, 255, 255, 255, 127, .. new byte[100]]);
        await _harness.ReattachAsync();
        Sr.Problems.Should().HaveCount(2).And.OnlyContain(p => p.EndsWith("it is no log of written blocks"));
        (await _harness.ManagedAsync()).Should().ContainSingle().Which.CbtEnabled.Should().BeFalse();
        new FileInfo(path).Length.Should().Be(47);
        (await Sr.EnableCbtAsync(disk, default)).Volume!.CbtEnabled.Should().BeTrue();
        (await Sr.ListAsync(default)).Should().ContainSingle();
        Sr.Problems.Should().ContainSingle();
    }

    [Fact]
    public async Task Logs_that_form_a_ring_are_unrelated_to_all()
    {
        var disk = await TrackedAsync(2 * MiB);
        var keys = await ChainAsync(disk, 2);
        var path = Path.Combine(Folder, keys[0] + ".cbtlog");
        var log = await File.ReadAllBytesAsync(path);
        Guid.Parse(keys[1]).TryWriteBytes(log, bigEndian: true, out _);
        await File.WriteAllBytesAsync(path, log);
        await _harness.ReattachAsync();
        await RefusalAsync(disk, keys[1]);
        await WriteAsync(keys[0], 1);
        foreach (var key in new[] { keys[0], keys[1], disk })
            await _harness.DestroyAsync(key);
        Directory.GetFiles(Folder).Should().BeEmpty();
    }

    [Fact]
    public async Task The_file_is_what_other_readers_expect()
    {
        var disk = await TrackedAsync(2 * MiB);
        var parent = (await _harness.SnapshotAsync(disk)).Key;
        await WriteAsync(disk, 9);
        var log = await File.ReadAllBytesAsync(Path.Combine(Folder, disk + ".cbtlog"));
        new Guid(log.AsSpan(0, 16), bigEndian: true).Should().Be(Guid.Parse(parent));
        new Guid(log.AsSpan(16, 16), bigEndian: true).Should().Be(Guid.Empty);
        BinaryPrimitives.ReadInt32LittleEndian(log.AsSpan(32)).Should().Be(1);
        BinaryPrimitives.ReadInt64LittleEndian(log.AsSpan(40)).Should().Be(2 * MiB);
        log[48..52].Should().Equal(0, 2, 0, 0);
        log.Should().HaveCount(48 + 4 + 24);
    }

    private async Task<string> TrackedAsync(long size)
    {
        var key = (await _harness.CreateAsync(size)).Key;
        await Sr.EnableCbtAsync(key, default);
        return key;
    }

    /// <summary>Snapshots 0 to n - 1, with block i + 1 written behind snapshot i.</summary>
    private async Task<List<string>> ChainAsync(string disk, int count)
    {
        var keys = new List<string>();
        for (var i = 0; i < count; i++)
        {
            keys.Add((await _harness.SnapshotAsync(disk)).Key);
            await WriteAsync(disk, i + 1);
        }

        return keys;
    }

    private Task WriteAsync(string key, int block) => _harness.WriteAsync(key, (long)block * Block + 100, new byte[] { 1 });

    private async Task<string> RefusalAsync(string from, string to)
    {
        var list = () => Sr.ListChangedBlocksAsync(from, to, default).AsTask();
        var error = (await list.Should().ThrowAsync<StorageException>()).Which;
        error.Fault.Should().Be((StorageFault)460);
        return error.Message;
    }

    private string Link(string key, bool parent)
    {
        var log = File.ReadAllBytes(Path.Combine(Folder, key + ".cbtlog"));
        return new Guid(log.AsSpan(parent ? 0 : 16, 16), bigEndian: true).ToString();
    }

    /// <summary>Each attach by a plugin of its own, with the boot of that moment.</summary>
    private sealed class PluginOfTheHour(Func<IStoragePlugin> make) : IStoragePlugin
    {
        public PluginDescription Query() => make().Query();

        public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken) => make().CreateAsync(configuration, cancellationToken);

        public ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken) => make().AttachAsync(configuration, cancellationToken);
    }
}
