using FluentAssertions;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>The collector beside writers that go on, by way of the host's part.</summary>
public sealed class CollectorUnderWritersTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private PluginHarness _harness = null!;
    private AttachedSr _sr = null!;

    public async Task InitializeAsync()
    {
        _harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root));
        _sr = new AttachedSr(Guid.NewGuid(), _harness.Sr);
    }

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rolling_snapshots_under_load_each_show_their_moment(bool flatten)
    {
        const int Sectors = 16384;
        var key = (await _harness.CreateAsync(Sectors * 512)).Key;
        var writer = new SequenceWriter(_sr, key, Sectors);
        var writing = writer.RunAsync(4);
        using var stop = new CancellationTokenSource();
        var kinds = new Dictionary<CollectorWorkKind, int>();
        var collecting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (await CollectAsync() is { } step)
                    kinds[step.Kind] = kinds.GetValueOrDefault(step.Kind) + 1;
                else
                    await Task.Delay(1);
                if (flatten && Random.Shared.Next(10) == 0)
                    await FlattenAsync(key);
            }
        });
        var kept = new Queue<(string Key, long[] Acknowledged, long[] Begun)>();
        var deepest = 0;
        for (var round = 0; round < (Soak.On ? 2000 : 200); round++)
        {
            await Task.Delay(2);
            var acknowledged = writer.Acknowledged();
            var snapshot = await SnapshotAsync(key);
            kept.Enqueue((snapshot, acknowledged, writer.Begun()));
            deepest = Math.Max(deepest, Depth(await _harness.Sr.ListAsync(default), key));
            if (kept.Count <= 3)
                continue;
            var (oldest, from, to) = kept.Dequeue();
            if (round % 10 == 0)
                SequenceWriter.Verify(await _harness.ReadAsync(oldest), Sectors, from, to);
            await _sr.DestroyVolumeAsync(oldest, default);
        }

        writer.Stop();
        await writing;
        await stop.CancelAsync();
        await collecting;
        foreach (var (snapshot, from, to) in kept)
            SequenceWriter.Verify(await _harness.ReadAsync(snapshot), Sectors, from, to);
        while (await _sr.CollectAsync(new(), _ => { }, default) is not null)
        {
        }

        SequenceWriter.Verify(await _harness.ReadAsync(key), Sectors, writer.Acknowledged(), writer.Begun());
        var volumes = await _harness.Sr.ListAsync(default);
        Depth(volumes, key).Should().BeLessThanOrEqualTo(5);
        foreach (var hidden in volumes.Where(v => !v.Managed))
            volumes.Count(v => v.SmConfig.GetValueOrDefault("vhd-parent") == hidden.Key).Should().BeGreaterThan(1);
        deepest.Should().BeLessThanOrEqualTo(30);
        output.WriteLine($"deepest {deepest}; " + string.Join(", ", kinds.Select(k => $"{k.Value} {k.Key}")));
    }

    [Fact]
    public async Task A_leaf_that_grows_faster_than_it_is_merged_is_given_up()
    {
        var disk = await _harness.CreateAsync(256L << 20);
        await _harness.WriteAsync(disk.Key, 0, new byte[] { 1 });
        var snapshot = await _harness.SnapshotAsync(disk.Key);
        await _sr.DestroyVolumeAsync(snapshot.Key, default);
        await using var device = await _sr.OpenAsync(disk.Key, DatapathMode.ReadWrite, default);
        var block = new byte[2 << 20];
        async Task GrowAsync()
        {
            for (var number = 0; number < 40; number++)
                await device.WriteAsync(number * (long)block.Length, block);
        }

        await GrowAsync();
        var collect = async () =>
        {
            for (var step = 0; step < 30; step++)
            {
                var done = await _sr.CollectAsync(new(), _ => { }, default);
                Depth(await _harness.Sr.ListAsync(default), disk.Key).Should().BeLessThanOrEqualTo(3);
                if (done is { Kind: CollectorWorkKind.MergeLeaf })
                    await GrowAsync();
            }
        };
        var error = (await collect.Should().ThrowAsync<CollectorException>()).Which;
        error.Key.Should().Be(disk.Key);
        error.InnerException.Should().BeOfType<StorageException>().Which.Fault.Should().Be(StorageFault.LeafCoalesceGaveUp);

        // In peace it is done, and without limits anyway.
        while (await _sr.CollectAsync(new() { IsForced = _ => true }, _ => { }, default) is not null)
        {
        }

        (await _harness.Sr.ListAsync(default)).Should().ContainSingle();
        await device.WriteAsync(0, new byte[] { 9 });
        (await _harness.ReadAsync(disk.Key))[0].Should().Be(9);
    }

    [Fact]
    public async Task Detaching_ends_the_collector_in_the_middle()
    {
        var disk = await _harness.CreateAsync(64L << 20);
        for (var number = 0; number < 3; number++)
        {
            await _harness.WriteAsync(disk.Key, 0, new byte[32 << 20]);
            await _harness.DestroyAsync((await _harness.SnapshotAsync(disk.Key)).Key);
        }

        var entered = new TaskCompletionSource();
        var collecting = Task.Run(async () => await _sr.CollectAsync(
            new()
            {
                PauseAsync = async cancellation =>
                {
                    entered.TrySetResult();
                    await Task.Delay(Timeout.Infinite, cancellation);
                },
            },
            _ => { },
            default));
        await entered.Task;
        await _sr.DisposeAsync();
        var end = async () => await collecting;
        await end.Should().ThrowAsync<OperationCanceledException>();
    }

    /// <summary>A slow machine may have to give a leaf up, and comes to it again.</summary>
    private async Task<CollectorStep?> CollectAsync()
    {
        try
        {
            return await _sr.CollectAsync(new() { IsForced = _ => Random.Shared.Next(2) == 0 }, _ => { }, default);
        }
        catch (CollectorException e) when (e.InnerException is StorageException { Fault: StorageFault.LeafCoalesceGaveUp })
        {
            return null;
        }
    }

    private async Task FlattenAsync(string key)
    {
        try
        {
            await _sr.FlattenAsync(key, new(), _ => { }, default);
        }
        catch (StorageException e) when (e.Fault == StorageFault.LeafCoalesceGaveUp)
        {
        }
    }

    /// <summary>Where the chain is full the collector is waited for, as the host does.</summary>
    private async Task<string> SnapshotAsync(string key)
    {
        while (true)
        {
            try
            {
                return (await _sr.SnapshotAsync(key, Guid.NewGuid(), NoParams, default)).Volume!.Key;
            }
            catch (StorageException e) when (e.Fault == StorageFault.ChainTooLong)
            {
                await Task.Delay(5);
            }
        }
    }

    private static int Depth(IReadOnlyList<VolumeInfo> volumes, string key)
    {
        var parents = volumes.ToDictionary(v => v.Key, v => v.SmConfig.GetValueOrDefault("vhd-parent"));
        var depth = 0;
        for (string? node = key; node is not null; node = parents[node])
            depth++;
        return depth;
    }
}
