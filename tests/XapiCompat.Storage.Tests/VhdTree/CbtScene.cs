using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using static XapiCompat.Storage.Tests.VhdTree.CbtBits;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>A tracked disk with three snapshots, the second without data, on a file system that stops or fails when told to.</summary>
internal sealed class CbtScene : IAsyncDisposable
{
    private const int Size = 2 << 20;

    /// <summary>Bytes that are written and looked at, at the start of each block.</summary>
    private const int Mark = 512;

    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly SrConfiguration _configuration = new(Guid.NewGuid(), NoParams);
    private readonly VhdTreeOptions _options;
    private readonly string _root;
    private readonly Dictionary<string, byte[]> _data = [];
    private Exception? _fault;
    private int _left;
    private ISr? _sr;

    private CbtScene(string root, VhdTreeOptions options)
    {
        _root = root;
        _options = options with { FaultPoint = Step, Files = Files };
    }

    public FaultyFiles Files { get; } = new();

    public ISr Sr => _sr!;

    public string Disk { get; private set; } = "";

    /// <summary>Oldest first.</summary>
    public List<string> Snapshots { get; } = [];

    public string Plain { get; private set; } = "";

    public static async Task<CbtScene> BuildAsync(VhdTreeOptions options)
    {
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var scene = new CbtScene(Directory.CreateDirectory(Path.Combine(parent, "xapicompat-" + Guid.NewGuid().ToString("N"))).FullName, options);
        await scene.NewPlugin().CreateAsync(scene._configuration, default);
        await scene.ReattachAsync();
        scene.Disk = await scene.CreateAsync();
        scene.Plain = await scene.CreateAsync();
        await scene.Sr.EnableCbtAsync(scene.Disk, default);
        for (var i = 0; i < 3; i++)
        {
            await scene.WriteAsync(scene.Disk, i, 1);
            scene.Snapshots.Add((await scene.Sr.SnapshotAsync(scene.Disk, Guid.NewGuid(), NoParams, default)).Volume!.Key);
            scene._data[scene.Snapshots[i]] = [.. scene._data[scene.Disk]];
        }

        await scene.WriteAsync(scene.Disk, 20, 1);
        await scene.Sr.DataDestroyAsync(scene.Snapshots[1], default);
        return scene;
    }

    /// <summary>False when the process ended in <paramref name="action"/> (null: in attaching again) at that step.</summary>
    public async Task<bool> StopAsync(int step, Func<CbtScene, Task>? action)
    {
        (_left, _fault) = (step, new SimulatedEnd());
        try
        {
            if (action is null)
            {
                await using var sr = await NewPlugin().AttachAsync(_configuration, default);
            }
            else
            {
                await action(this);
            }

            return true;
        }
        catch (SimulatedEnd)
        {
            return false;
        }
        finally
        {
            _fault = null;
        }
    }

    public async Task ReattachAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        _sr = null;
        _sr = await NewPlugin().AttachAsync(_configuration, default);
    }

    public async Task WriteAsync(string key, int block, byte value)
    {
        var part = new byte[Mark];
        part.AsSpan().Fill(value);
        await using var device = await Sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        await device.WriteAsync((long)block * Block, part);
        part.CopyTo(_data[key], block * Mark);
    }

    /// <summary>Whatever happened: the disks hold what they held, and what is said of changes is never too little.</summary>
    public async Task VerifyAsync(string because, Guid added)
    {
        await VerifyOnceAsync(because, added);

        // And it goes on like that: what is written from now on is noted where notes are taken.
        if (!_data.ContainsKey(Disk) || await FindAsync(Disk) is not { } disk)
            return;
        await WriteAsync(Disk, 25, 9);
        await VerifyOnceAsync(because, added);
        await ReattachAsync();
        await VerifyOnceAsync(because, added);
        if (disk.CbtEnabled)
        {
            var known = (await Sr.ListAsync(default)).Select(v => v.Key).ToHashSet();
            foreach (var snapshot in await NotedAsync(known, [.. Snapshots, added.ToString()], Disk))
                (await ChangedAsync(Sr, snapshot, Disk)).Should().Contain(25, because);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private async Task VerifyOnceAsync(string because, Guid added)
    {
        var list = await Sr.ListAsync(default);
        Sr.Problems.Should().BeEmpty(because);
        var managed = list.Where(v => v.Managed).ToDictionary(v => v.Key);
        managed.Keys.Should().BeSubsetOf([Disk, Plain, added.ToString(), .. Snapshots], because);
        var with = managed.Values.Where(v => v.Kind == VolumeKind.Data).Select(v => v.Key).ToList();
        var now = new Dictionary<string, byte[]>();
        foreach (var key in with)
            now[key] = await ReadAsync(key);
        foreach (var key in with.Where(_data.ContainsKey))
            Check(now[key].AsSpan(0, _data[key].Length).SequenceEqual(_data[key]), key + " is intact " + because);

        // A snapshot without data showed what it was taken of.
        foreach (var key in Snapshots.Where(k => !now.ContainsKey(k)))
            now[key] = _data[key];
        string[] states = [.. Snapshots, added.ToString(), Disk];
        for (var to = 1; to < states.Length; to++)
        {
            foreach (var from in await NotedAsync([.. managed.Keys], states[..to], states[to]))
            {
                if (now.TryGetValue(from, out var before) && now.TryGetValue(states[to], out var after))
                    Check(!Differing(before, after, Mark).Except(await ChangedAsync(Sr, from, states[to])).Any(), "all is noted " + because);
            }
        }

        var allowed = list.SelectMany(v => new[] { v.Key + ".vhd", v.Key + ".meta" }).Concat(managed.Values.Where(v => v.CbtEnabled).Select(v => v.Key + ".cbtlog"));
        Files.Failed.Should().Match(f => f != null || Names().All(allowed.Contains), because + ": {0}", string.Join(" ", Names().Except(allowed)));
    }

    /// <summary>Many of them: an assertion with all its words takes longer than what it looks at.</summary>
    private static void Check(bool fact, string text)
    {
        if (!fact)
            fact.Should().BeTrue(text);
    }

    /// <summary>Those from which there is a way to another state.</summary>
    private async Task<List<string>> NotedAsync(HashSet<string> known, IEnumerable<string> from, string to)
    {
        var found = new List<string>();
        foreach (var key in from)
        {
            try
            {
                if (!known.Contains(key) || !known.Contains(to))
                    continue;
                await Sr.ListChangedBlocksAsync(key, to, default);
                found.Add(key);
            }
            catch (StorageException e) when (e.Fault is StorageFault.CbtChangedBlocks)
            {
            }
        }

        return found;
    }

    public async Task<VolumeInfo?> FindAsync(string key) => (await Sr.ListAsync(default)).FirstOrDefault(v => v.Key == key);

    public IEnumerable<string> Names() => Directory.EnumerateFiles(Trees.DirectoryOf(_root, _configuration)).Select(f => Path.GetFileName(f));

    private VhdTreePlugin NewPlugin() => Trees.NewPlugin(_root, _options);

    private async Task<string> CreateAsync()
    {
        var key = (await Sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "v", "", Size, false, NoParams), default)).Volume!.Key;
        _data[key] = new byte[Size / Block * Mark];
        await WriteAsync(key, 30, 1);
        return key;
    }

    private async Task<byte[]> ReadAsync(string key)
    {
        await using var device = await Sr.OpenAsync(key, DatapathMode.Read, default);
        var data = new byte[device.VirtualSize / Block * Mark];
        for (var at = 0; at < data.Length; at += Mark)
            await device.ReadAsync((long)at / Mark * Block, data.AsMemory(at, Mark));
        return data;
    }

    private void Step(string name)
    {
        if (_fault is not null && --_left == 0)
            throw _fault;
    }

    /// <summary>Not an I/O error, so that no handler cleans up: the process is gone.</summary>
    private sealed class SimulatedEnd : Exception;
}
