using FluentAssertions;
using XapiCompat.Disks;
using Xunit;

namespace XapiCompat.Storage.Tests;

/// <summary>What every plugin owes the host. Derive once per plugin.</summary>
public abstract class StoragePluginContractTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    protected PluginHarness Harness { get; private set; } = null!;

    protected abstract IStoragePlugin NewPlugin(string root);

    public async Task InitializeAsync() => Harness = await PluginHarness.StartAsync(NewPlugin);

    public async Task DisposeAsync() => await Harness.DisposeAsync();

    [Fact]
    public async Task A_new_volume_has_at_least_the_size_asked_for_and_reads_as_zeroes()
    {
        var volume = await Harness.CreateAsync(3 * MiB + 1, "fresh");

        volume.VirtualSize.Should().BeGreaterThan(3 * MiB).And.Match(size => size % 512 == 0);
        volume.Should().Match<VolumeInfo>(v => v.Managed && v.ReadWrite && !v.Sharable && v.Name == "fresh" && v.Description == "a fresh");
        (await Harness.ReadAsync(volume.Key)).Should().OnlyContain(b => b == 0).And.HaveCount((int)volume.VirtualSize);
        (await Harness.StatAsync(volume.Key)).Should().BeEquivalentTo(volume);
        (await Harness.ManagedAsync()).Should().ContainSingle().Which.Should().BeEquivalentTo(volume);
    }

    [Fact]
    public async Task The_proposed_uuid_is_the_volumes_uuid()
    {
        var uuid = Guid.NewGuid();
        var none = new Dictionary<string, string>();
        var created = await Harness.Sr.CreateVolumeAsync(new VolumeSpec(uuid, "n", "", MiB, true, none), default);
        var copy = Guid.NewGuid();
        var snapshot = await Harness.Sr.SnapshotAsync(created.Volume!.Key, copy, none, default);

        created.Volume.Uuid.Should().Be(uuid);
        created.Volume.Sharable.Should().BeTrue();
        created.Changed.Should().ContainSingle();
        created.Removed.Should().BeEmpty();
        snapshot.Volume!.Uuid.Should().Be(copy);
        snapshot.Changed.Should().Contain(v => v.Key == snapshot.Volume.Key);
        snapshot.Removed.Should().BeEmpty();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task Impossible_sizes_are_refused(long size)
    {
        var create = () => Harness.CreateAsync(size);

        (await create.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeSize);
        (await Harness.ManagedAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Data_at_any_alignment_survives_detach_and_attach()
    {
        var volume = await Harness.CreateAsync(5 * MiB);
        var expected = new byte[volume.VirtualSize];
        foreach (var (offset, length) in new[] { (0L, 512), (513L, 1), (2L * MiB - 3, 7), (3L * MiB, 4097), (volume.VirtualSize - 512, 512) })
        {
            var data = Bytes(length, (int)offset);
            data.CopyTo(expected, offset);
            await Harness.WriteAsync(volume.Key, offset, data);
        }

        await Harness.ReattachAsync();

        (await Harness.ReadAsync(volume.Key)).AsSpan().SequenceEqual(expected).Should().BeTrue();
    }

    [Fact]
    public async Task Zeroed_ranges_read_as_zeroes()
    {
        var volume = await Harness.CreateAsync(4 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(4 * MiB, 1));
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        await using (var device = await Harness.OpenAsync(volume.Key, DatapathMode.ReadWrite))
            await device.ZeroAsync(100, 3 * MiB);

        var data = await Harness.ReadAsync(volume.Key);
        data.AsSpan(100, 3 * MiB).ContainsAnyExcept((byte)0).Should().BeFalse();
        data.AsSpan(0, 100).SequenceEqual(Bytes(4 * MiB, 1).AsSpan(0, 100)).Should().BeTrue();
        (await Harness.ReadAsync(snapshot.Key)).AsSpan().SequenceEqual(Bytes(4 * MiB, 1)).Should().BeTrue();
    }

    [Fact]
    public async Task A_snapshot_keeps_the_data_of_its_moment_and_outlives_its_source()
    {
        var volume = await Harness.CreateAsync(4 * MiB);
        await Harness.WriteAsync(volume.Key, 1000, Bytes(3 * MiB, 1));
        var before = await Harness.ReadAsync(volume.Key);
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        await Harness.WriteAsync(volume.Key, 2 * MiB, Bytes(MiB, 2));
        var after = await Harness.ReadAsync(volume.Key);

        snapshot.Name.Should().Be(volume.Name);
        snapshot.VirtualSize.Should().Be(volume.VirtualSize);
        (await Harness.ReadAsync(snapshot.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        after.AsSpan(2 * MiB, MiB).SequenceEqual(Bytes(MiB, 2)).Should().BeTrue();

        await Harness.DestroyAsync(volume.Key);
        await Harness.ReattachAsync();
        (await Harness.ReadAsync(snapshot.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        (await Harness.ManagedAsync()).Should().ContainSingle().Which.Key.Should().Be(snapshot.Key);
    }

    [Fact]
    public async Task A_clone_is_written_without_touching_its_source()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(5000, 1));
        var before = await Harness.ReadAsync(volume.Key);
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        var clone = await Harness.CloneAsync(snapshot.Key);
        var second = await Harness.CloneAsync(clone.Key);
        await Harness.WriteAsync(clone.Key, 4000, Bytes(5000, 2));

        clone.ReadWrite.Should().BeTrue();
        (await Harness.ReadAsync(volume.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        (await Harness.ReadAsync(snapshot.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        (await Harness.ReadAsync(second.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        (await Harness.ReadAsync(clone.Key)).AsSpan(4000, 5000).SequenceEqual(Bytes(5000, 2)).Should().BeTrue();
    }

    [Fact]
    public async Task Destroying_leaves_nothing_and_succeeds_twice()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(10, 1));
        var snapshot = await Harness.SnapshotAsync(volume.Key);

        var first = await Harness.DestroyAsync(volume.Key);
        first.Volume.Should().BeNull();
        first.Removed.Should().Contain(volume.Key);
        await Harness.DestroyAsync(snapshot.Key);
        var again = await Harness.DestroyAsync(volume.Key);
        again.Removed.Should().BeEmpty();

        (await Harness.Sr.ListAsync(default)).Should().BeEmpty();
        Directory.EnumerateFiles(Harness.Root, "*", SearchOption.AllDirectories).Should().BeEmpty();
        await Harness.ReattachAsync();
        (await Harness.Sr.ListAsync(default)).Should().BeEmpty();
    }

    [Fact]
    public async Task Volumes_that_are_not_there_are_named_so()
    {
        var key = (await Harness.CreateAsync(1)).Key;
        await Harness.DestroyAsync(key);

        foreach (var use in new Func<Task>[]
        {
            async () => await Harness.StatAsync(key),
            async () => await Harness.OpenAsync(key, DatapathMode.Read),
            async () => await Harness.SnapshotAsync(key),
            async () => await Harness.CloneAsync(key),
            async () => await Harness.Sr.ResizeAsync(key, MiB, default),
            async () => await Harness.Sr.SetNameAsync(key, "", "", default),
            async () => await Harness.StatAsync("../../etc/passwd"),
            async () => await Harness.OpenAsync("", DatapathMode.ReadWrite),
        })
        {
            (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeDoesNotExist);
        }
    }

    [Fact]
    public async Task Names_and_the_hosts_keys_are_stored_with_the_data()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        await Harness.Sr.SetNameAsync(volume.Key, "nöu \"1\"", "line\nbreak", default);
        await Harness.Sr.SetAsync(volume.Key, new Dictionary<string, string?> { ["snapshot_of"] = "x", ["tags"] = "a,b" }, default);
        await Harness.Sr.SetAsync(volume.Key, new Dictionary<string, string?> { ["snapshot_of"] = null, ["none"] = null }, default);
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        await Harness.ReattachAsync();

        var found = await Harness.StatAsync(volume.Key);
        found.Name.Should().Be("nöu \"1\"");
        found.Description.Should().Be("line\nbreak");
        found.Keys.Should().BeEquivalentTo(new Dictionary<string, string> { ["tags"] = "a,b" });
        (await Harness.StatAsync(snapshot.Key)).Should().Match<VolumeInfo>(v => v.Name == found.Name && v.Keys.Count == 0);
    }

    [Fact]
    public async Task The_data_id_changes_with_a_write_and_only_then()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        var ids = new List<Guid> { volume.DataId };
        for (var round = 0; round < 3; round++)
        {
            await using (var device = await Harness.OpenAsync(volume.Key, DatapathMode.ReadWrite))
            {
                await device.WriteAsync(round * 512, Bytes(512, round));
                ids.Add((await Harness.StatAsync(volume.Key)).DataId);
                await device.WriteAsync(round * 512, Bytes(512, round + 10));
                ids.Add((await Harness.StatAsync(volume.Key)).DataId);
            }

            await Harness.ReadAsync(volume.Key);
            await Harness.ReattachAsync();
            (await Harness.StatAsync(volume.Key)).DataId.Should().Be(ids[^1]);
        }

        ids.Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_snapshots_data_id_is_its_own_and_stays()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(512, 1));
        var before = (await Harness.StatAsync(volume.Key)).DataId;
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        (await Harness.StatAsync(volume.Key)).DataId.Should().Be(before, "nothing was written");

        await Harness.WriteAsync(volume.Key, 0, Bytes(512, 2));
        var second = await Harness.SnapshotAsync(volume.Key);
        var clone = await Harness.CloneAsync(snapshot.Key);
        await Harness.ReattachAsync();

        (await Harness.StatAsync(snapshot.Key)).DataId.Should().Be(snapshot.DataId);
        (await Harness.StatAsync(second.Key)).DataId.Should().Be(second.DataId);
        new[] { before, snapshot.DataId, second.DataId, clone.DataId, (await Harness.StatAsync(volume.Key)).DataId }
            .Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_read_only_datapath_stays_on_its_data_and_takes_no_writes()
    {
        var volume = await Harness.CreateAsync(4 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(4 * MiB, 1));
        await using var reader = await Harness.OpenAsync(volume.Key, DatapathMode.Read);
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        await using var snapshotReader = await Harness.OpenAsync(snapshot.Key, DatapathMode.Read);
        await Harness.DestroyAsync(snapshot.Key);

        var data = new byte[4 * MiB];
        foreach (var device in new[] { reader, snapshotReader })
        {
            await device.ReadAsync(0, data);
            data.AsSpan().SequenceEqual(Bytes(4 * MiB, 1)).Should().BeTrue();
            var write = async () => await device.WriteAsync(0, data.AsMemory(0, 512));
            await write.Should().ThrowAsync<InvalidOperationException>();
        }
    }

    [Fact]
    public async Task Resizing_adds_zeroes_and_never_shrinks()
    {
        var volume = await Harness.CreateAsync(2 * MiB);
        await Harness.WriteAsync(volume.Key, volume.VirtualSize - 512, Bytes(512, 1));
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        var before = await Harness.ReadAsync(volume.Key);

        var same = await Harness.Sr.ResizeAsync(volume.Key, volume.VirtualSize, default);
        same.Volume!.VirtualSize.Should().Be(volume.VirtualSize);
        var grown = await Harness.Sr.ResizeAsync(volume.Key, 7 * MiB, default);
        grown.Volume!.VirtualSize.Should().BeGreaterThanOrEqualTo(7 * MiB);
        grown.Volume.DataId.Should().NotBe(volume.DataId);
        await Harness.ReattachAsync();

        var after = await Harness.ReadAsync(volume.Key);
        after.AsSpan(0, before.Length).SequenceEqual(before).Should().BeTrue();
        after.AsSpan(before.Length).ContainsAnyExcept((byte)0).Should().BeFalse();
        await Harness.WriteAsync(volume.Key, grown.Volume.VirtualSize - 512, Bytes(512, 2));
        (await Harness.ReadAsync(volume.Key)).AsSpan()[^512..].SequenceEqual(Bytes(512, 2)).Should().BeTrue();
        (await Harness.ReadAsync(snapshot.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();

        foreach (var size in new[] { 2 * MiB, 0, -1, long.MaxValue })
        {
            var resize = async () => await Harness.Sr.ResizeAsync(volume.Key, size, default);
            (await resize.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeSize);
        }
    }

    [Fact]
    public async Task Extents_are_gapless_and_zero_extents_are_zero()
    {
        var volume = await Harness.CreateAsync(8 * MiB);
        await Harness.WriteAsync(volume.Key, 3 * MiB, Bytes(MiB, 1));
        await Harness.SnapshotAsync(volume.Key);
        await Harness.WriteAsync(volume.Key, 7 * MiB, Bytes(10, 1));
        await using var device = await Harness.OpenAsync(volume.Key, DatapathMode.Read);
        var data = await Harness.ReadAsync(volume.Key);

        var end = 1000L;
        foreach (var extent in await device.ExtentsAsync(1000, device.VirtualSize - 1000))
        {
            extent.Offset.Should().Be(end);
            if (extent.Kind == ExtentKind.Zero)
                data.AsSpan((int)extent.Offset, (int)extent.Length).ContainsAnyExcept((byte)0).Should().BeFalse();
            end = extent.End;
        }

        end.Should().Be(device.VirtualSize);
    }

    [Fact]
    public async Task A_comparison_covers_every_difference()
    {
        var volume = await Harness.CreateAsync(8 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(MiB, 1));
        var first = await Harness.SnapshotAsync(volume.Key);
        await Harness.WriteAsync(volume.Key, 5 * MiB, Bytes(MiB, 2));
        var second = await Harness.SnapshotAsync(volume.Key);

        if (await Harness.Sr.CompareAsync(first.Key, second.Key, default) is { } ranges)
            Differences.Uncovered(await Harness.ReadAsync(first.Key), await Harness.ReadAsync(second.Key), ranges).Should().BeEmpty();
        if (await Harness.Sr.CompareAsync(second.Key, second.Key, default) is { } nothing)
            nothing.Should().BeEmpty();
    }

    [Fact]
    public async Task The_sr_adds_up()
    {
        await Harness.CreateAsync(2 * MiB);
        var volume = await Harness.CreateAsync(6 * MiB);
        await Harness.WriteAsync(volume.Key, 0, Bytes(MiB, 1));
        await Harness.SnapshotAsync(volume.Key);

        var stat = await Harness.Sr.StatAsync(default);
        stat.VirtualAllocation.Should().Be((await Harness.ManagedAsync()).Sum(v => v.VirtualSize));
        stat.PhysicalUtilisation.Should().BeGreaterThan(MiB).And.Be((await Harness.Sr.ListAsync(default)).Sum(v => v.PhysicalUtilisation));
        stat.PhysicalSize.Should().BeGreaterThan(stat.PhysicalUtilisation);
    }

    protected static byte[] Bytes(int length, int seed)
    {
        var data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }
}
