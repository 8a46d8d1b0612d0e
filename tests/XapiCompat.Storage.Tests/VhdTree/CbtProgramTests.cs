using FluentAssertions;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Storage.Tests.VhdTree.CbtBits;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>
/// Random programs on tracked disks beside byte arrays: between any two states of a disk the bitmap covers what differs, and is exactly
/// what was written. XAPICOMPAT_SEED repeats a run.
/// </summary>
public sealed class CbtProgramTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Bitmaps_tell_what_was_written_whatever_becomes_of_the_neighbours()
    {
        var first = Soak.Seed;
        var programs = Soak.On ? 5_000 : 60;
        var compared = 0;
        output.WriteLine($"seed {first}, {programs} programs");
        await using var harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root));
        for (var number = 0; number < programs; number++)
        {
            var program = new CbtProgram(harness, new Random(unchecked(first + number)));
            try
            {
                compared += await program.RunAsync();
            }
            catch (Exception e)
            {
                output.WriteLine(program.ToString());
                throw new InvalidOperationException($"XAPICOMPAT_SEED={unchecked(first + number)}: {e.Message}", e);
            }
        }

        output.WriteLine($"{compared} bitmaps compared");
        (await harness.Sr.ListAsync(default)).Should().BeEmpty();
        Directory.GetFiles(Directory.GetDirectories(harness.Root).Single()).Should().BeEmpty();
    }

    /// <summary>A state of a line of disks: a disk itself, or a snapshot of it.</summary>
    private sealed class State(string key, byte[] data)
    {
        public string Key { get; } = key;

        public byte[] Data { get; set; } = data;

        public bool HasData { get; set; } = true;

        /// <summary>Blocks written since the state before it in the line.</summary>
        public HashSet<int> Written { get; set; } = [];
    }

    /// <summary>Oldest first; the last state is the disk as long as it lives.</summary>
    private sealed class Line
    {
        public List<State> States { get; } = [];

        public bool Tracked { get; set; }

        public bool Ended { get; set; }

        public State Disk => States[^1];
    }

    private sealed class CbtProgram(PluginHarness harness, Random random)
    {
        private const int MiB = 1 << 20;
        private readonly List<Line> _lines = [];
        private readonly List<string> _log = [];
        private int _compared;

        public async Task<int> RunAsync()
        {
            await CreateAsync();
            for (var steps = random.Next(15, 50); steps > 0; steps--)
                await StepAsync();
            await CompareAsync();
            foreach (var state in _lines.SelectMany(l => l.States))
                await CheckDataAsync(state);
            foreach (var state in _lines.SelectMany(l => l.States).OrderBy(_ => random.Next()).ToList())
                await harness.DestroyAsync(state.Key);
            return _compared;
        }

        public override string ToString() => string.Join(Environment.NewLine, _log);

        private async Task StepAsync()
        {
            var line = _lines[random.Next(_lines.Count)];
            switch (random.Next(26))
            {
                case 0 when _lines.Count < 3:
                    await CreateAsync();
                    break;
                case 1 when _lines.Count < 3 && !line.Ended:
                    Log("clone " + line.Disk.Key);
                    _lines.Add(new Line { States = { new State((await harness.CloneAsync(line.Disk.Key)).Key, [.. line.Disk.Data]) } });
                    break;
                case 2 or 3 or 4 or 5 when !line.Ended && line.States.Count < 8:
                    await SnapshotAsync(line);
                    break;
                case 6 or 7 when line.States.Count > 1:
                    await DestroyAsync(line, random.Next(line.States.Count - 1));
                    break;
                case 8 or 9 when line.States.Count > 1:
                    await DestroyDataAsync(line.States[random.Next(line.States.Count - 1)]);
                    break;
                case 10 when !line.Ended && line.Disk.Data.Length < 6 * MiB:
                    await ResizeAsync(line);
                    break;
                case 11 when !line.Ended:
                    await TrackAsync(line);
                    break;
                case 12:
                    Log("reattach");
                    await harness.ReattachAsync();
                    break;
                case 13:
                    await harness.Sr.ListAsync(default);
                    break;
                case 14 when !line.Ended && line.States.Count > 2:
                    await DestroyAsync(line, line.States.Count - 1);
                    line.Ended = true;
                    break;
                case 17:
                    Log("collect");
                    await Collecting.RunAsync(harness.Sr);
                    break;
                case 18 when !line.Ended:
                    Log("flatten " + line.Disk.Key);
                    await Collecting.FlattenAsync(harness.Sr, line.Disk.Key);
                    break;
                case 15 or 16:
                    await CompareAsync();
                    break;
                default:
                    if (!line.Ended)
                        await WriteAsync(line);
                    break;
            }
        }

        private async Task CreateAsync()
        {
            var volume = await harness.CreateAsync(random.Next(1, 3) * 2 * MiB);
            Log($"create {volume.Key} {volume.VirtualSize}");
            var line = new Line { States = { new State(volume.Key, new byte[volume.VirtualSize]) } };
            _lines.Add(line);
            await TrackAsync(line);
        }

        /// <summary>Tracking on or off: either way nothing before it is related any more.</summary>
        private async Task TrackAsync(Line line)
        {
            line.Tracked = !line.Tracked;
            Log((line.Tracked ? "enable " : "disable ") + line.Disk.Key);
            var info = (line.Tracked ? await harness.Sr.EnableCbtAsync(line.Disk.Key, default) : await harness.Sr.DisableCbtAsync(line.Disk.Key, default)).Volume!;
            info.CbtEnabled.Should().Be(line.Tracked);
            foreach (var state in line.States.SkipLast(1).ToList())
                await RemoveAsync(line, state);
            line.Disk.Written = [];
        }

        private async Task SnapshotAsync(Line line)
        {
            var copy = await harness.SnapshotAsync(line.Disk.Key);
            Log($"snapshot {line.Disk.Key} {copy.Key}");
            copy.CbtEnabled.Should().Be(line.Tracked);
            line.States.Insert(line.States.Count - 1, new State(copy.Key, [.. line.Disk.Data]) { Written = line.Disk.Written });
            line.Disk.Written = [];
        }

        private async Task DestroyAsync(Line line, int position)
        {
            var state = line.States[position];
            if (position + 1 < line.States.Count)
                line.States[position + 1].Written.UnionWith(state.Written);
            await RemoveAsync(line, state);
        }

        private async Task RemoveAsync(Line line, State state)
        {
            Log("destroy " + state.Key);
            (await harness.DestroyAsync(state.Key)).Removed.Should().Contain(state.Key);
            line.States.Remove(state);
        }

        private async Task DestroyDataAsync(State state)
        {
            if (!(await harness.StatAsync(state.Key)).CbtEnabled)
                return;
            Log("data_destroy " + state.Key);
            (await harness.Sr.DataDestroyAsync(state.Key, default)).Volume!.Kind.Should().Be(VolumeKind.CbtMetadata);
            state.HasData = false;
        }

        private async Task ResizeAsync(Line line)
        {
            var size = line.Disk.Data.Length + 2 * MiB;
            Log($"resize {line.Disk.Key} {size}");
            (await harness.Sr.ResizeAsync(line.Disk.Key, size, default)).Volume!.CbtEnabled.Should().Be(line.Tracked);
            line.Disk.Data = [.. line.Disk.Data, .. new byte[2 * MiB]];
        }

        private async Task WriteAsync(Line line)
        {
            var disk = line.Disk;
            await using var one = await harness.OpenAsync(disk.Key, DatapathMode.ReadWrite);
            await using var two = await harness.OpenAsync(disk.Key, DatapathMode.ReadWrite);
            var jobs = new List<Task>();
            var free = 0;
            for (var count = random.Next(1, 5); count > 0 && free < disk.Data.Length; count--)
            {
                // In ascending order, so that none overlaps another: they run at a time.
                var offset = random.Next(free, disk.Data.Length);
                var length = Math.Min(random.Next(4) == 0 ? random.Next(1, 40 * Block) : random.Next(1, 3 * Block), disk.Data.Length - offset);
                free = offset + length;
                Log($"write {disk.Key} {offset} {length}");
                var device = random.Next(2) == 0 ? one : two;
                if (random.Next(4) == 0)
                {
                    Array.Clear(disk.Data, offset, length);
                    jobs.Add(Task.Run(() => device.ZeroAsync(offset, length).AsTask()));
                }
                else
                {
                    disk.Data.AsSpan(offset, length).Fill((byte)random.Next(1, 256));
                    jobs.Add(Task.Run(() => device.WriteAsync(offset, disk.Data.AsMemory(offset, length)).AsTask()));
                }

                if (line.Tracked)
                    disk.Written.UnionWith(Enumerable.Range(offset / Block, (offset + length - 1) / Block - offset / Block + 1));
            }

            await Task.WhenAll(jobs);
        }

        private async Task CompareAsync()
        {
            foreach (var line in _lines)
            {
                await CheckDataAsync(line.States[random.Next(line.States.Count)]);
                if (!line.Tracked || line.States.Count < 2)
                    continue;
                var from = random.Next(line.States.Count - 1);
                var to = random.Next(from + 1, line.States.Count);
                var changed = await ChangedAsync(harness.Sr, line.States[from].Key, line.States[to].Key);
                Log($"list {line.States[from].Key} {line.States[to].Key}");
                var written = line.States[(from + 1)..(to + 1)].SelectMany(s => s.Written).Distinct().Order().ToList();
                Check(changed.SequenceEqual(written), $"{string.Join(",", changed)} is {string.Join(",", written)}");
                Check(!Differing(line.States[from].Data, line.States[to].Data).Except(changed).Any(), "what differs is noted");
                _compared++;
            }
        }

        private async Task CheckDataAsync(State state)
        {
            if (state.HasData)
                Check((await harness.ReadAsync(state.Key)).AsSpan().SequenceEqual(state.Data), state.Key + " is intact");
        }

        private static void Check(bool fact, string text)
        {
            if (!fact)
                throw new InvalidOperationException(text);
        }

        private void Log(string text) => _log.Add(text);
    }
}
