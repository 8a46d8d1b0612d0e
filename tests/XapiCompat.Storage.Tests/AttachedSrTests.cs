using System.Buffers.Binary;
using System.Diagnostics;
using FluentAssertions;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests;

/// <summary>What the host makes of a plugin: writers go on while their disk is snapshotted. Derive once per plugin.</summary>
public abstract class AttachedSrTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private PluginHarness _harness = null!;
    private AttachedSr _sr = null!;

    protected abstract IStoragePlugin NewPlugin(string root);

    public async Task InitializeAsync()
    {
        _harness = await PluginHarness.StartAsync(NewPlugin);
        _sr = new AttachedSr(Guid.NewGuid(), _harness.Sr);
    }

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task Each_of_50_snapshots_under_load_shows_a_moment_of_its_call()
    {
        const int Sectors = 8192;
        var key = (await _harness.CreateAsync(Sectors * 512)).Key;
        var writer = new SequenceWriter(_sr, key, Sectors);
        var writing = writer.RunAsync(4);
        var snapshots = new List<(string Key, long[] Acknowledged, long[] Begun)>();
        var longest = TimeSpan.Zero;
        for (var round = 0; round < (Soak.On ? 500 : 50); round++)
        {
            await Task.Delay(5);
            var acknowledged = writer.Acknowledged();
            var watch = Stopwatch.StartNew();
            var snapshot = await (round % 2 == 0
                ? _sr.SnapshotAsync(key, Guid.NewGuid(), NoParams, default)
                : _sr.CloneAsync(key, Guid.NewGuid(), NoParams, default));
            longest = watch.Elapsed > longest ? watch.Elapsed : longest;
            snapshots.Add((snapshot.Volume!.Key, acknowledged, writer.Begun()));

            // Old ones make room: the depth of a tree has a limit.
            if (snapshots.Count == 8)
            {
                await VerifyAsync(snapshots, Sectors);
                snapshots.Clear();
                writer.Stop();
                await writing;
                key = await StartOverAsync(key, Sectors);
                writer = new SequenceWriter(_sr, key, Sectors);
                writing = writer.RunAsync(4);
            }
        }

        writer.Stop();
        await writing;
        await VerifyAsync(snapshots, Sectors);
        output.WriteLine($"longest snapshot {longest.TotalMilliseconds:0.0} ms");
    }

    [Fact]
    public async Task Disks_held_together_are_snapshotted_at_one_moment()
    {
        var one = (await _harness.CreateAsync(2 * MiB)).Key;
        var two = (await _harness.CreateAsync(2 * MiB)).Key;
        await using var first = await _sr.OpenAsync(one, DatapathMode.ReadWrite, default);
        await using var second = await _sr.OpenAsync(two, DatapathMode.ReadWrite, default);
        using var stop = new CancellationTokenSource();

        // The second disk never runs ahead of the first, nor more than one step behind.
        var writing = Task.Run(async () =>
        {
            var sector = new byte[512];
            for (var number = 1L; !stop.IsCancellationRequested; number++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(sector, number);
                await first.WriteAsync(0, sector);
                await second.WriteAsync(0, sector);
            }
        });

        for (var round = 0; round < 20; round++)
        {
            await Task.Delay(3);
            string[] copies;
            await using (var hold = await _sr.HoldAsync(round % 2 == 0 ? [one, two] : [two, one], default))
            {
                var a = await _sr.SnapshotAsync(hold, two, Guid.NewGuid(), NoParams, default);
                await Task.Delay(2);
                var b = await _sr.SnapshotAsync(hold, one, Guid.NewGuid(), NoParams, default);
                copies = [b.Volume!.Key, a.Volume!.Key];
            }

            var numbers = new List<long>();
            foreach (var copy in copies)
            {
                numbers.Add(BinaryPrimitives.ReadInt64LittleEndian(await _harness.ReadAsync(copy)));
                await _sr.DestroyVolumeAsync(copy, default);
            }

            (numbers[0] - numbers[1]).Should().BeInRange(0, 1);
        }

        await stop.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task Holds_that_share_disks_do_not_wait_for_each_other_forever()
    {
        var keys = new List<string>();
        for (var number = 0; number < 4; number++)
            keys.Add((await _harness.CreateAsync(MiB)).Key);

        async Task HoldAsync(int seed)
        {
            var random = new Random(seed);
            for (var round = 0; round < 200; round++)
            {
                await using var hold = await _sr.HoldAsync(keys.OrderBy(_ => random.Next()).Take(3), default);
                await Task.Yield();
            }
        }

        await Task.WhenAll(Enumerable.Range(1, 4).Select(seed => Task.Run(() => HoldAsync(seed)))).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Volumes_with_open_datapaths_are_in_use()
    {
        var key = (await _harness.CreateAsync(2 * MiB)).Key;
        foreach (var mode in new[] { DatapathMode.Read, DatapathMode.ReadWrite })
        {
            await using var device = await _sr.OpenAsync(key, mode, default);
            _sr.IsOpen(key).Should().BeTrue();
            _sr.HasOpenDatapaths.Should().BeTrue();
            foreach (var use in new Func<Task>[]
            {
                async () => await _sr.DestroyVolumeAsync(key, default),
                async () => await _sr.ResizeAsync(key, 4 * MiB, default),
            })
            {
                (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeInUse);
            }
        }

        _sr.IsOpen(key).Should().BeFalse();
        await _sr.ResizeAsync(key, 4 * MiB, default);
        await _sr.DestroyVolumeAsync(key, default);
        var open = async () => await _sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        (await open.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeDoesNotExist);
        _sr.HasOpenDatapaths.Should().BeFalse();
    }

    [Fact]
    public async Task Two_writable_datapaths_see_each_others_writes()
    {
        var key = (await _harness.CreateAsync(4 * MiB)).Key;
        await using var one = await _sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        await using var two = await _sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        var buffer = new byte[1];
        for (byte round = 1; round < 5; round++)
        {
            await one.WriteAsync(round, new byte[] { round });
            await _sr.SnapshotAsync(key, Guid.NewGuid(), NoParams, default);
            await two.ReadAsync(round, buffer);
            buffer[0].Should().Be(round);
            await two.WriteAsync(3 * MiB + round, new[] { round });
            await one.ReadAsync(3 * MiB + round, buffer);
            buffer[0].Should().Be(round);
        }

        var write = async () => await one.WriteAsync(4 * MiB, buffer);
        await write.Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Readers_pass_a_held_gate_and_keep_their_state_across_snapshots()
    {
        var key = (await _harness.CreateAsync(2 * MiB)).Key;
        await _harness.WriteAsync(key, 0, new byte[] { 1 });
        await using var reader = await _sr.OpenAsync(key, DatapathMode.Read, default);
        await using var writer = await _sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        var buffer = new byte[1];
        Task late;
        await using (var hold = await _sr.HoldAsync([key], default))
        {
            await reader.ReadAsync(0, buffer);
            await writer.ReadAsync(0, buffer);
            buffer[0].Should().Be(1);
            late = writer.WriteAsync(1, new byte[] { 2 }).AsTask();
            await _sr.SnapshotAsync(hold, key, Guid.NewGuid(), NoParams, default);
            late.IsCompleted.Should().BeFalse();
        }

        await late;
        await reader.ReadAsync(0, buffer);
        buffer[0].Should().Be(1);
        await writer.ReadAsync(1, buffer);
        buffer[0].Should().Be(2);
    }

    private async Task<string> StartOverAsync(string key, int sectors)
    {
        foreach (var volume in (await _sr.ListAsync(default)).Where(v => v.Managed && v.Key != key))
            await _sr.DestroyVolumeAsync(volume.Key, default);
        await _sr.DestroyVolumeAsync(key, default);
        return (await _harness.CreateAsync(sectors * 512)).Key;
    }

    private async Task VerifyAsync(IEnumerable<(string Key, long[] Acknowledged, long[] Begun)> snapshots, int sectors)
    {
        foreach (var (key, acknowledged, begun) in snapshots)
            SequenceWriter.Verify(await _harness.ReadAsync(key), sectors, acknowledged, begun);
    }
}
