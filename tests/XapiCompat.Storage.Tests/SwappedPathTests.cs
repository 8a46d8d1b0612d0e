using System.Text;
using FluentAssertions;
using XapiCompat.Disks;
using XapiCompat.Storage.Iso;
using XapiCompat.Storage.Tests.VhdTree;
using XapiCompat.Storage.VhdTree;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests;

/// <summary>
/// Somebody swaps directories and files of a repository for symbolic links, again and again, while it is in use: nothing outside of the
/// root is opened, changed or shown, and the repository's own disks are whole afterwards.
/// </summary>
public sealed class SwappedPathTests(ITestOutputHelper output) : IDisposable
{
    private const int Size = 4 << 20;
    private const byte Own = 7;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly TempDirectory _world = new();
    private readonly Guid _uuid = Guid.NewGuid();
    private readonly Lock _swapped = new();
    private int _swaps;

    private string Root => _world.File("root");

    private string Outside => _world.File("outside");

    public void Dispose() => _world.Dispose();

    public static TheoryData<string> Targets => new("the directory", "the directory above", "the file");

    [SkippableTheory]
    [MemberData(nameof(Targets))]
    public async Task Trees_show_and_change_nothing_outside(string target)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux can be held to it");
        var configuration = new SrConfiguration(Guid.NewGuid(), NoParams);
        var plugin = Plugin("way/in");
        await plugin.CreateAsync(configuration, default);
        var sr = await plugin.AttachAsync(configuration, default);
        var key = (await sr.CreateVolumeAsync(new(_uuid, "own", "", Size, false, NoParams), default)).Volume!.Key;
        await using (var device = await sr.OpenAsync(key, DatapathMode.ReadWrite, default))
            await device.WriteAsync(0, Bytes(Own, Size));
        var raw = (await sr.CreateVolumeAsync(new(Guid.NewGuid(), "raw", "", Size, false, new Dictionary<string, string> { ["type"] = "raw" }), default)).Volume!.Key;

        // The same names lead to disks of another kind outside.
        var elsewhere = Directory.CreateDirectory(Path.Combine(Outside, "in")).FullName;
        await using (var other = await Plugin("../outside/in", _world.Path).AttachAsync(configuration, default))
        {
            await other.CreateVolumeAsync(new(_uuid, "canary", "", Size, false, NoParams), default);
            await using var device = await other.OpenAsync(key, DatapathMode.ReadWrite, default);
            await device.WriteAsync(0, Bytes(66, Size));
        }

        await File.WriteAllBytesAsync(Path.Combine(elsewhere, raw + ".raw"), Bytes(66, Size));
        var fresh = Guid.NewGuid();
        var lures = new[] { ".vhd.tmp", ".vhd", ".meta.new", ".meta", ".raw.tmp", ".raw" };
        foreach (var suffix in lures)
            await File.WriteAllTextAsync(Path.Combine(elsewhere, fresh + suffix), "canary");
        var place = Path.Combine(Root, "way", "in");
        using var watch = new OpenWatch(Outside, elsewhere);
        var victim = target switch
        {
            "the directory" => (place, elsewhere),
            "the directory above" => (Path.Combine(Root, "way"), Outside),
            _ => (Path.Combine(place, key + ".vhd"), Path.Combine(elsewhere, key + ".vhd")),
        };
        var passed = await UnderSwapsAsync(victim.Item1, victim.Item2, async round =>
        {
            foreach (var suffix in lures)
                Lure(Path.Combine(place, fresh + suffix), Path.Combine(elsewhere, fresh + suffix), round % 3 == 0);
            var done = 0;
            done += await TryAsync(async () => (await sr.ListAsync(default)).Should().NotContain(v => v.Name == "canary"));
            done += await TryAsync(() => ReadsAsync(sr, key, Own));
            done += await TryAsync(() => ReadsAsync(sr, raw, 0));
            done += await TryAsync(async () =>
            {
                await using var device = await sr.OpenAsync(key, DatapathMode.ReadWrite, default);
                await device.WriteAsync(round * 4096 % Size, Bytes(Own, 4096));
            });
            done += await TryAsync(async () => await sr.CreateVolumeAsync(new(fresh, "x", "", Size, false, round % 2 == 0 ? NoParams : new Dictionary<string, string> { ["type"] = "raw" }), default));
            done += await TryAsync(async () => await sr.DestroyVolumeAsync(fresh.ToString(), default));

            // A switch of the file itself against another one, by whoever may write here, costs its data in any case.
            if (target != "the file")
            {
                var snapshot = Guid.NewGuid();
                done += await TryAsync(async () => await sr.SnapshotAsync(key, snapshot, NoParams, default));
                done += await TryAsync(async () => await sr.DestroyVolumeAsync(snapshot.ToString(), default));
                if (round % 5 == 0)
                    await TryAsync(async () => await Collecting.RunAsync(sr));
            }

            done += await TryAsync(async () => await sr.SetNameAsync(key, "own", "round " + round, default));
            if (round % 10 == 0)
            {
                done += await TryAsync(async () => (await plugin.CheckAsync(configuration, false, default)).Volumes.Should().NotBeNull());
                done += await TryAsync(async () =>
                {
                    await sr.DisposeAsync();
                    sr = await plugin.AttachAsync(configuration, default);
                });
            }

            return done;
        });

        watch.Seen().Should().BeEmpty();
        output.WriteLine($"{_swaps} swaps, {passed} calls passed");
        await sr.DisposeAsync();
        foreach (var suffix in lures)
            File.Delete(Path.Combine(place, fresh + suffix));
        await using var last = await plugin.AttachAsync(configuration, default);
        last.Problems.Should().BeEmpty();
        await ReadsAsync(last, key, Own);
        (await last.ListAsync(default)).Where(v => v.Managed).Should().Contain(v => v.Key == key);
        watch.Seen().Should().BeEmpty();
    }

    [SkippableTheory]
    [MemberData(nameof(Targets))]
    public async Task Images_show_and_change_nothing_outside(string target)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux can be held to it");
        var place = Directory.CreateDirectory(Path.Combine(Root, "way", "in")).FullName;
        var elsewhere = Directory.CreateDirectory(Path.Combine(Outside, "in")).FullName;
        var plugin = new IsoPlugin([Root], new RemotePlaces(Root));
        var configuration = new SrConfiguration(Guid.NewGuid(), new Dictionary<string, string> { ["location"] = place });
        await File.WriteAllBytesAsync(Path.Combine(place, "own.iso"), Bytes(Own, 5000));
        foreach (var name in new[] { "own.iso", "canary.iso", "made.iso", ".made.iso.note", ".made.iso.note.new" })
            await File.WriteAllBytesAsync(Path.Combine(elsewhere, name), Bytes(66, 6000));
        var sr = await plugin.AttachAsync(configuration, default);
        using var watch = new OpenWatch(Outside, elsewhere);
        var victim = target switch
        {
            "the directory" => (place, elsewhere),
            "the directory above" => (Path.Combine(Root, "way"), Outside),
            _ => (Path.Combine(place, "own.iso"), Path.Combine(elsewhere, "own.iso")),
        };
        var passed = await UnderSwapsAsync(victim.Item1, victim.Item2, async round =>
        {
            foreach (var name in new[] { "made.iso", ".made.iso.note", ".made.iso.note.new" })
                Lure(Path.Combine(place, name), Path.Combine(elsewhere, name), round % 3 == 0);
            var done = 0;
            done += await TryAsync(async () => (await sr.ListAsync(default)).Should().NotContain(v => v.VirtualSize == 6000 || v.Key == "canary.iso"));
            done += await TryAsync(async () => (await sr.StatVolumeAsync("own.iso", default)).VirtualSize.Should().Be(5000));
            done += await TryAsync(() => ReadsAsync(sr, "own.iso", Own));
            done += await TryAsync(async () => await sr.CreateVolumeAsync(new(Guid.NewGuid(), "x", "", 4096, false, new Dictionary<string, string> { ["path"] = "made.iso" }), default));
            done += await TryAsync(async () =>
            {
                await using var device = await sr.OpenAsync("made.iso", DatapathMode.ReadWrite, default);
                await device.WriteAsync(0, Bytes(1, 512));
            });
            done += await TryAsync(async () => await sr.SetNameAsync("made.iso", "other", "", default));
            done += await TryAsync(async () => await sr.DestroyVolumeAsync("made.iso", default));
            return done;
        });

        watch.Seen().Should().BeEmpty();
        output.WriteLine($"{_swaps} swaps, {passed} calls passed");
        await ReadsAsync(sr, "own.iso", Own);
        await sr.DisposeAsync();
    }

    private VhdTreePlugin Plugin(string place, string? root = null) => new(
        [root ?? Root], Trees.TypeAt(_ => Path.GetFullPath(place, Directory.CreateDirectory(Root).FullName)), TimeProvider.System);

    /// <summary>Runs rounds of work beside a thread that swaps a name between what has it and a link; leaves it with the former.</summary>
    private async Task<int> UnderSwapsAsync(string path, string elsewhere, Func<int, Task<int>> work)
    {
        using var ending = new CancellationTokenSource();
        var seed = Soak.Seed;
        output.WriteLine($"XAPICOMPAT_SEED={seed}");
        var swapping = Task.Factory.StartNew(() => Swap(path, elsewhere, new Random(seed), ending.Token), default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var passed = 0;
        try
        {
            var rounds = Soak.On ? 5000 : 150;
            for (var round = 0; round < rounds; round++)
                passed += await work(round);
        }
        finally
        {
            await ending.CancelAsync();
            await swapping;
        }

        _swaps.Should().BePositive();
        passed.Should().BePositive("the swaps leave room for some calls");
        return passed;
    }

    private void Swap(string path, string elsewhere, Random random, CancellationToken ending)
    {
        var away = path + ".away";
        while (!ending.IsCancellationRequested)
        {
            lock (_swapped)
            {
                Rename(path, away);
                File.CreateSymbolicLink(path, elsewhere);
                _swaps++;
                Thread.SpinWait(random.Next(20_000));
                File.Delete(path);
                Rename(away, path);
            }

            Thread.SpinWait(random.Next(60_000));
        }
    }

    private static void Rename(string from, string to)
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to);
    }

    /// <summary>A link that has the name of a file which is about to be made; not while the test itself would be led elsewhere.</summary>
    private void Lure(string path, string elsewhere, bool wanted)
    {
        lock (_swapped)
        {
            File.Delete(path);
            if (wanted)
                File.CreateSymbolicLink(path, elsewhere);
        }
    }

    /// <summary>1 when a call passed, 0 when it failed as calls may.</summary>
    private static async Task<int> TryAsync(Func<Task> call)
    {
        try
        {
            await call();
            return 1;
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            return 0;
        }
    }

    private static async Task ReadsAsync(ISr sr, string key, byte value)
    {
        await using IBlockDevice device = await sr.OpenAsync(key, DatapathMode.Read, default);
        var data = new byte[device.VirtualSize];
        await device.ReadAsync(0, data);
        if (data.AsSpan().ContainsAnyExcept(value))
            throw new InvalidOperationException("foreign bytes in " + key + ": " + Encoding.Latin1.GetString(data.AsSpan(0, 10)));
    }

    private static byte[] Bytes(byte value, int count)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
