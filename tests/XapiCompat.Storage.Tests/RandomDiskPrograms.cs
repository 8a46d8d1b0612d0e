using System.Buffers;
using System.Diagnostics;
using FluentAssertions;
using XapiCompat.Disks;
using XapiCompat.Storage.Tests.RawFiles;
using XapiCompat.Storage.Tests.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests;

/// <summary>Random programs on a plugin beside plain byte arrays; XAPICOMPAT_SEED repeats a run.</summary>
public sealed class RandomDiskPrograms(ITestOutputHelper output)
{
    [Fact]
    public Task On_vhd_trees() => RunAsync(root => Trees.NewPlugin(root), Soak.On ? 200_000 : 10_000);

    [Fact]
    public Task On_raw_files() => RunAsync(root => new RawFilesPlugin(root), Soak.On ? 5_000 : 200);

    private async Task RunAsync(Func<string, IStoragePlugin> plugin, int programs)
    {
        var first = Soak.Seed;
        output.WriteLine($"seed {first}, {programs} programs");
        var watch = Stopwatch.StartNew();
        var steps = 0;
        await using var harness = await PluginHarness.StartAsync(plugin);
        for (var number = 0; number < programs; number++)
        {
            var program = new DiskProgram(harness, new Random(unchecked(first + number)));
            try
            {
                steps += await program.RunAsync();
            }
            catch (Exception e)
            {
                output.WriteLine(program.ToString());
                throw new InvalidOperationException($"XAPICOMPAT_SEED={unchecked(first + number)}: {e.Message}", e);
            }
        }

        output.WriteLine($"{steps} steps in {watch.Elapsed.TotalSeconds:0.0} s, 0 differences");
        (await harness.Sr.ListAsync(default)).Should().BeEmpty();
    }

    /// <summary>One program: at most six disks of up to 8 MiB, twelve to forty steps, everything compared at the end.</summary>
    private sealed class DiskProgram(PluginHarness harness, Random random)
    {
        private const int MiB = 1 << 20;
        private readonly List<Disk> _disks = [];
        private readonly List<string> _log = [];
        private readonly byte[] _buffer = new byte[64 * 1024];

        public async Task<int> RunAsync()
        {
            await CreateAsync();
            var steps = random.Next(12, 40);
            for (var step = 0; step < steps; step++)
                await StepAsync();
            foreach (var disk in _disks.ToArray())
            {
                await CheckAsync(disk);
                await DestroyAsync(disk);
            }

            return steps;
        }

        public override string ToString() => string.Join(Environment.NewLine, _log);

        private async Task StepAsync()
        {
            if (_disks.Count == 0)
            {
                await CreateAsync();
                return;
            }

            var disk = _disks[random.Next(_disks.Count)];
            switch (random.Next(24))
            {
                case 20 or 21 when harness.Sr.Collector is not null:
                    Log("collect");
                    await Collecting.RunAsync(harness.Sr, most: random.Next(1, 4));
                    break;
                case 22 when harness.Sr.Collector is not null:
                    Log("flatten " + disk.Key);
                    await Collecting.FlattenAsync(harness.Sr, disk.Key);
                    break;
                case 23 when harness.Sr.Collector is not null && random.Next(4) == 0:
                    Log("split " + disk.Key);
                    await harness.Sr.Collector.SplitAsync(disk.Key, default);
                    break;
                case 0 when _disks.Count < 6:
                    await CreateAsync();
                    break;
                case 1 or 2 or 3 when _disks.Count < 6:
                    await BranchAsync(disk, snapshot: true);
                    break;
                case 4 or 5 when _disks.Count < 6:
                    await BranchAsync(disk, snapshot: false);
                    break;
                case 6 or 7:
                    await DestroyAsync(disk);
                    break;
                case 8 when disk.Data.Length < 8 * MiB:
                    await ResizeAsync(disk);
                    break;
                case 9:
                    Log("reattach");
                    await harness.ReattachAsync();
                    break;
                case 10:
                    await CheckAsync(disk);
                    break;
                case 11 or 12:
                    await CompareAsync(disk, _disks[random.Next(_disks.Count)]);
                    break;
                default:
                    await WriteAsync(disk);
                    break;
            }
        }

        private async Task CreateAsync()
        {
            var volume = await harness.CreateAsync(random.Next(8) == 0 ? random.Next(6 * MiB) : random.Next(1, 3) * 2 * MiB);
            Log($"create {volume.Key} {volume.VirtualSize}");
            var disk = new Disk(volume.Key, (int)volume.VirtualSize, volume.DataId);
            disk.Data.Span.Clear();
            _disks.Add(disk);
        }

        private async Task BranchAsync(Disk source, bool snapshot)
        {
            Log((snapshot ? "snapshot " : "clone ") + source.Key);
            var copy = await (snapshot ? harness.SnapshotAsync(source.Key) : harness.CloneAsync(source.Key));
            var disk = new Disk(copy.Key, source.Data.Length, copy.DataId);
            source.Data.CopyTo(disk.Data);
            _disks.Add(disk);
        }

        private async Task DestroyAsync(Disk disk)
        {
            Log("destroy " + disk.Key);
            (await harness.DestroyAsync(disk.Key)).Removed.Should().Contain(disk.Key);
            _disks.Remove(disk);
            disk.Dispose();
        }

        private async Task ResizeAsync(Disk disk)
        {
            Log("resize " + disk.Key);
            var changes = await harness.Sr.ResizeAsync(disk.Key, disk.Data.Length + random.Next(1, 2 * MiB), default);
            disk.Grow((int)changes.Volume!.VirtualSize);
            disk.DataId.Should().NotBe(changes.Volume.DataId);
            disk.DataId = changes.Volume.DataId;
        }

        private async Task WriteAsync(Disk disk)
        {
            await using var device = await harness.OpenAsync(disk.Key, DatapathMode.ReadWrite);
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                var (offset, length) = Range(disk.Data.Length);
                Log($"write {disk.Key} {offset} {length}");
                if (random.Next(6) == 0)
                {
                    await device.ZeroAsync(offset, length);
                    disk.Data.Span.Slice(offset, length).Clear();
                }
                else
                {
                    var data = disk.Data.Slice(offset, length);
                    random.NextBytes(data.Span[..Math.Min(length, 4096)]);
                    data.Span[Math.Min(length, 4096)..].Fill((byte)random.Next(256));
                    await device.WriteAsync(offset, data);
                }
            }

            disk.Touched = true;
        }

        // First and last sectors and blocks most of all.
        private (int Offset, int Length) Range(int size)
        {
            var (offset, length) = random.Next(16) switch
            {
                0 or 1 or 2 => (0, 512),
                3 or 4 or 5 => (size - 512, 512),
                6 => (0, 2 * MiB),
                7 => (size - 2 * MiB, 2 * MiB),
                < 12 => (random.Next(size / 512) * 512, random.Next(1, 16) * 512),
                _ => (random.Next(size), random.Next(1, 10_000)),
            };
            offset = Math.Max(0, offset);
            return (offset, Math.Min(length, size - offset));
        }

        private async Task CheckAsync(Disk disk)
        {
            Log("check " + disk.Key);
            await using var device = await harness.OpenAsync(disk.Key, DatapathMode.Read);
            device.VirtualSize.Should().Be(disk.Data.Length);
            for (var offset = 0; offset < disk.Data.Length; offset += _buffer.Length)
            {
                var part = _buffer.AsMemory(0, Math.Min(_buffer.Length, disk.Data.Length - offset));
                await device.ReadAsync(offset, part);
                part.Span.SequenceEqual(disk.Data.Span.Slice(offset, part.Length)).Should().BeTrue();
            }

            var now = await harness.StatAsync(disk.Key);
            if (!disk.Touched)
                now.DataId.Should().Be(disk.DataId);
            disk.DataId = now.DataId;
            disk.Touched = false;
            foreach (var extent in (await device.ExtentsAsync(0, device.VirtualSize)).Where(e => e.Kind == ExtentKind.Zero))
                disk.Data.Span.Slice((int)extent.Offset, (int)extent.Length).ContainsAnyExcept((byte)0).Should().BeFalse();
        }

        private async Task CompareAsync(Disk one, Disk other)
        {
            Log($"compare {one.Key} {other.Key}");
            if (await harness.Sr.CompareAsync(one.Key, other.Key, default) is { } ranges)
            {
                Differences.Uncovered(one.Data, other.Data, ranges).Should().BeEmpty();
            }
        }

        private void Log(string line) => _log.Add(line);
    }

    private sealed class Disk(string key, int size, Guid dataId) : IDisposable
    {
        private byte[] _array = ArrayPool<byte>.Shared.Rent(size);
        private int _size = size;

        public string Key { get; } = key;

        public Memory<byte> Data => _array.AsMemory(0, _size);

        public Guid DataId { get; set; } = dataId;

        public bool Touched { get; set; }

        public void Grow(int size)
        {
            var array = ArrayPool<byte>.Shared.Rent(size);
            Data.CopyTo(array);
            array.AsSpan(_size, size - _size).Clear();
            ArrayPool<byte>.Shared.Return(_array);
            (_array, _size) = (array, size);
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(_array);
    }
}
