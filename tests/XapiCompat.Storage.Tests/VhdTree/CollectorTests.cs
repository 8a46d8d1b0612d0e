using System.Security.Cryptography;
using FluentAssertions;
using XapiCompat.Disks;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>What the collector does to trees, with readers and writers on them.</summary>
public sealed class CollectorTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private PluginHarness _harness = null!;

    public async Task InitializeAsync() => _harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root));

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task A_leaf_that_lost_its_snapshots_is_one_file_again()
    {
        var disk = await WrittenAsync();
        for (var number = 1; number <= 5; number++)
        {
            var snapshot = await _harness.SnapshotAsync(disk.Key);
            await _harness.WriteAsync(disk.Key, number * MiB, new byte[] { (byte)number });
            await _harness.DestroyAsync(snapshot.Key);
        }

        var before = await _harness.ReadAsync(disk.Key);
        var id = (await _harness.StatAsync(disk.Key)).DataId;
        var done = await Collecting.RunAsync(_harness.Sr);
        done.Should().Equal([.. Enumerable.Repeat(CollectorWorkKind.Merge, 4), CollectorWorkKind.MergeLeaf]);
        (await _harness.Sr.ListAsync(default)).Should().ContainSingle().Which.Should().Match<VolumeInfo>(v => v.Key == disk.Key && v.DataId == id && v.Managed && v.SmConfig.Count == 0);
        (await _harness.ReadAsync(disk.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        await _harness.ReattachAsync();
        (await _harness.ReadAsync(disk.Key)).AsSpan().SequenceEqual(before).Should().BeTrue();
        (await _harness.StatAsync(disk.Key)).Should().Match<VolumeInfo>(v => v.Name == disk.Name && v.DataId == id);
    }

    [Fact]
    public async Task What_is_switched_off_is_not_done()
    {
        var disk = await WrittenAsync();
        for (var number = 1; number <= 2; number++)
        {
            var snapshot = await _harness.SnapshotAsync(disk.Key);
            await _harness.WriteAsync(disk.Key, number * MiB, new byte[] { (byte)number });
            await _harness.DestroyAsync(snapshot.Key);
        }

        (await Collecting.RunAsync(_harness.Sr, new() { Merge = false })).Should().BeEmpty();
        (await Collecting.RunAsync(_harness.Sr, new() { MergeLeaves = false })).Should().Equal(CollectorWorkKind.Merge);
        (await Collecting.RunAsync(_harness.Sr, new() { MayMergeLeaf = key => key != disk.Key })).Should().BeEmpty();
        (await Collecting.RunAsync(_harness.Sr, new() { Skip = new HashSet<string> { disk.Key } })).Should().BeEmpty();
        (await Collecting.RunAsync(_harness.Sr)).Should().Equal(CollectorWorkKind.MergeLeaf);
    }

    [Fact]
    public async Task Readers_keep_their_data_whatever_is_merged_below_them()
    {
        var disk = await WrittenAsync();
        var snapshots = new List<VolumeInfo>();
        for (var number = 1; number <= 4; number++)
        {
            snapshots.Add(await _harness.SnapshotAsync(disk.Key));
            await _harness.WriteAsync(disk.Key, number * MiB, RandomNumberGenerator.GetBytes(MiB / 2));
        }

        await using var reader = await _harness.OpenAsync(snapshots[2].Key, DatapathMode.Read);
        await using var destroyed = await _harness.OpenAsync(snapshots[1].Key, DatapathMode.Read);
        var (shown, gone) = (await ReadAsync(reader), await ReadAsync(destroyed));
        foreach (var number in new[] { 0, 1, 3 })
            await _harness.DestroyAsync(snapshots[number].Key);

        await Collecting.RunAsync(_harness.Sr);
        _harness.Sr.Collector!.HasWaiting.Should().BeTrue("a base that somebody reads is left alone");
        (await ReadAsync(reader)).AsSpan().SequenceEqual(shown).Should().BeTrue();
        (await ReadAsync(destroyed)).AsSpan().SequenceEqual(gone).Should().BeTrue();
        await destroyed.DisposeAsync();
        await Collecting.RunAsync(_harness.Sr);
        (await ReadAsync(reader)).AsSpan().SequenceEqual(shown).Should().BeTrue();
        (await _harness.ReadAsync(snapshots[2].Key)).AsSpan().SequenceEqual(shown).Should().BeTrue();
        (await _harness.Sr.ListAsync(default)).Count(v => !v.Managed).Should().Be(1);
    }

    [Fact]
    public async Task Snapshots_and_destructions_in_the_middle_of_a_copy_are_heeded()
    {
        for (var round = 0; round < 12; round++)
        {
            var disk = await WrittenAsync();
            var first = await _harness.SnapshotAsync(disk.Key);
            await _harness.WriteAsync(disk.Key, 2 * MiB, RandomNumberGenerator.GetBytes(3 * MiB));
            var second = await _harness.SnapshotAsync(disk.Key);
            await _harness.DestroyAsync(first.Key);
            await using var work = await _harness.Sr.Collector!.PlanAsync(new(), default);
            work!.Kind.Should().Be(CollectorWorkKind.Merge);
            var expected = new Dictionary<string, byte[]> { [disk.Key] = await _harness.ReadAsync(disk.Key), [second.Key] = await _harness.ReadAsync(second.Key) };
            var step = 0;
            var destroyed = round % 4 == 3;
            await work.CopyAsync(
                async (_, _) =>
                {
                    if (step++ != round / 4 % 2)
                        return;
                    foreach (var key in new[] { disk.Key, second.Key })
                    {
                        var copy = round % 2 == 0 ? await _harness.SnapshotAsync(key) : await _harness.CloneAsync(key);
                        expected[copy.Key] = expected[key];
                        if (destroyed)
                        {
                            await _harness.DestroyAsync(copy.Key);
                            await _harness.DestroyAsync(key);
                            expected.Remove(copy.Key);
                            expected.Remove(key);
                        }
                    }
                },
                default);
            var result = await work.FinishAsync();
            (result is null).Should().Be(destroyed);
            foreach (var (key, data) in expected)
                (await _harness.ReadAsync(key)).AsSpan().SequenceEqual(data).Should().BeTrue();
            await _harness.ReattachAsync();
            foreach (var (key, data) in expected)
            {
                (await _harness.ReadAsync(key)).AsSpan().SequenceEqual(data).Should().BeTrue();
                await _harness.DestroyAsync(key);
            }

            Directory.EnumerateFiles(Directory.GetDirectories(_harness.Root).Single()).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task Nothing_is_merged_beside_a_file_that_cannot_be_read()
    {
        var disk = await WrittenAsync();
        for (var number = 1; number <= 2; number++)
        {
            var snapshot = await _harness.SnapshotAsync(disk.Key);
            await _harness.WriteAsync(disk.Key, number * MiB, new byte[] { (byte)number });
            await _harness.DestroyAsync(snapshot.Key);
        }

        var bad = Path.Combine(Directory.GetDirectories(_harness.Root).Single(), Guid.NewGuid() + ".vhd");
        await File.WriteAllBytesAsync(bad, new byte[4096]);
        await _harness.Sr.ListAsync(default);
        (await Collecting.RunAsync(_harness.Sr)).Should().BeEmpty();
        File.Delete(bad);
        await _harness.Sr.ListAsync(default);
        (await Collecting.RunAsync(_harness.Sr)).Should().HaveCount(2);
    }

    [Fact]
    public async Task Thirty_files_deep_and_destroyed_in_any_order_hashes_stay_and_space_is_freed()
    {
        var orders = Soak.On ? 200 : 20;
        var random = new Random(Soak.Seed);
        output.WriteLine($"seed {Soak.Seed}, {orders} orders");
        for (var order = 0; order < orders; order++)
        {
            var disk = await _harness.CreateAsync(4 * MiB);
            var volumes = new List<string> { disk.Key };
            for (var depth = 1; depth < 30; depth++)
            {
                volumes.Add((await _harness.SnapshotAsync(disk.Key)).Key);
                await _harness.WriteAsync(disk.Key, random.Next(2) * 2 * MiB + random.Next(MiB), BitConverter.GetBytes(random.Next()));
            }

            var hashes = new Dictionary<string, string>();
            foreach (var key in volumes)
                hashes[key] = await HashAsync(key);
            var left = volumes.OrderBy(_ => random.Next()).ToList();
            while (left.Count > 0)
            {
                await _harness.DestroyAsync(left[^1]);
                left.RemoveAt(left.Count - 1);
                await Collecting.RunAsync(_harness.Sr, most: random.Next(3));
                if (left.Count > 0 && left.Count % 10 == 0)
                    await CheckAsync(left, hashes);
            }

            Directory.EnumerateFiles(Directory.GetDirectories(_harness.Root).Single()).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task Interrupted_at_its_blocks_on_a_tree_ten_deep_the_collector_changes_no_leaf()
    {
        var every = Soak.On ? 1 : 8;
        var ends = 0;
        for (var block = every; ; block += every)
        {
            var passed = 0;
            var on = false;
            var options = new VhdTreeOptions
            {
                FaultPoint = name =>
                {
                    if (on && name.StartsWith("copy block", StringComparison.Ordinal) && ++passed == block)
                        throw new SimulatedEnd();
                },
            };
            await using var harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root, options));
            var leaves = await TreeAsync(harness);
            var hashes = new Dictionary<string, string>();
            foreach (var leaf in leaves)
                hashes[leaf] = Hash(await harness.ReadAsync(leaf));
            on = true;
            var ended = false;
            try
            {
                await Collecting.RunAsync(harness.Sr);
            }
            catch (SimulatedEnd)
            {
                ended = true;
                ends++;
            }

            on = false;
            await harness.ReattachAsync();
            foreach (var leaf in leaves)
                Hash(await harness.ReadAsync(leaf)).Should().Be(hashes[leaf]);
            await Collecting.RunAsync(harness.Sr);
            foreach (var leaf in leaves)
                Hash(await harness.ReadAsync(leaf)).Should().Be(hashes[leaf]);
            (await harness.Sr.ListAsync(default)).Should().HaveCount(3, "one base under two leaves is left");
            if (!ended)
                break;
        }

        output.WriteLine($"{ends} ends");
        ends.Should().BeGreaterThan(2);
    }

    /// <summary>Nine bases with one child each below two leaves, a few blocks in each.</summary>
    private static async Task<IReadOnlyList<string>> TreeAsync(PluginHarness harness)
    {
        var random = new Random(1);
        var disk = await harness.CreateAsync(16 * MiB);
        var doomed = new List<string>();
        for (var depth = 1; depth < 10; depth++)
        {
            for (var write = 0; write < 6; write++)
                await harness.WriteAsync(disk.Key, random.Next(8) * 2 * MiB, BitConverter.GetBytes(random.Next()));
            doomed.Add((await harness.SnapshotAsync(disk.Key)).Key);
        }

        await harness.WriteAsync(disk.Key, 512, new byte[] { 1 });
        foreach (var snapshot in doomed.SkipLast(1))
            await harness.DestroyAsync(snapshot);
        return [disk.Key, doomed[^1]];
    }

    private async Task CheckAsync(List<string> keys, Dictionary<string, string> hashes)
    {
        foreach (var key in keys)
            (await HashAsync(key)).Should().Be(hashes[key]);
    }

    private async Task<string> HashAsync(string key) => Hash(await _harness.ReadAsync(key));

    private static string Hash(byte[] data) => Convert.ToHexString(SHA256.HashData(data));

    private static async Task<byte[]> ReadAsync(IBlockDevice device)
    {
        var data = new byte[device.VirtualSize];
        await device.ReadAsync(0, data);
        return data;
    }

    private async Task<VolumeInfo> WrittenAsync()
    {
        var disk = await _harness.CreateAsync(6 * MiB);
        await _harness.WriteAsync(disk.Key, 0, RandomNumberGenerator.GetBytes(MiB));
        return disk;
    }
}
