using FluentAssertions;
using XapiCompat.Storage.VhdTree;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Not an I/O error, so that no handler cleans up: the process is gone.</summary>
internal sealed class SimulatedEnd : Exception;

/// <summary>
/// Trees with work of each kind for the collector, what each volume must show, and a place to stop at. There are a chain of bases
/// with one child each, some of another size, under two leaves; a leaf with data and an empty one, each alone on a base; a branch
/// that cannot be merged; and an orphan.
/// </summary>
internal sealed class CollectorScene : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly SrConfiguration _configuration = new(Guid.NewGuid(), NoParams);
    private readonly Dictionary<string, (byte[] Data, Guid Id)> _expected = [];
    private readonly VhdTreeOptions _options;
    private readonly string _root;
    private Exception? _fault;
    private int _left;
    private byte _value;

    private CollectorScene(string root, VhdTreeOptions options)
    {
        _root = root;
        _options = options with { FaultPoint = Step };
    }

    public ISr Sr { get; private set; } = null!;

    /// <summary>A leaf with data of its own on bases that others use as well.</summary>
    public string Written { get; private set; } = "";

    /// <summary>A leaf without any.</summary>
    public string Empty { get; private set; } = "";

    /// <summary>The step at which it was stopped.</summary>
    public string Name { get; private set; } = "";

    public bool Reached { get; private set; }

    private string Folder => Trees.DirectoryOf(_root, _configuration);

    public static async Task<CollectorScene> BuildAsync(VhdTreeOptions options)
    {
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var root = Directory.CreateDirectory(Path.Combine(parent, "xapicompat-" + Guid.NewGuid().ToString("N"))).FullName;
        var scene = new CollectorScene(root, options);
        var plugin = scene.NewPlugin();
        await plugin.CreateAsync(scene._configuration, default);
        scene.Sr = await plugin.AttachAsync(scene._configuration, default);
        await scene.PlantAsync();
        foreach (var volume in (await scene.Sr.ListAsync(default)).Where(v => v.Managed))
            scene._expected[volume.Key] = (await scene.ReadAsync(volume.Key), volume.DataId);
        return scene;
    }

    /// <summary>False when the process ended in <paramref name="action"/> (null: in attaching again) at that step.</summary>
    public async Task<bool> StopAsync(int step, Func<ISr, Task>? action, Exception end)
    {
        (_left, _fault, Reached) = (step, end, false);
        try
        {
            if (action is null)
            {
                await using var sr = await NewPlugin().AttachAsync(_configuration, default);
            }
            else
            {
                await action(Sr);
            }

            return !Reached;
        }
        catch (Exception e) when (e is SimulatedEnd or StorageException or IOException)
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
        await Sr.DisposeAsync();
        Sr = await NewPlugin().AttachAsync(_configuration, default);
    }

    /// <summary>Clients go on at once, with writes and snapshots of all volumes.</summary>
    public async Task GoOnAsync()
    {
        foreach (var key in _expected.Keys.ToList())
        {
            await WriteAsync(key, 2 * MiB + 1024, 5000);
            var snapshot = await SnapshotAsync(key);
            await WriteAsync(key, MiB, 512);
            foreach (var changed in new[] { key, snapshot })
                _expected[changed] = (await ReadAsync(changed), (await Sr.StatVolumeAsync(changed, default)).DataId);
        }
    }

    public async Task VerifyAsync(string because)
    {
        var list = await Sr.ListAsync(default);
        because += ": " + string.Join(", ", list.Select(v => v.Key + (v.Managed ? "" : " base")));
        Sr.Problems.Should().BeEmpty(because);
        list.Where(v => v.Managed).Select(v => v.Key).Should().BeEquivalentTo(_expected.Keys, because);
        foreach (var (key, (data, id)) in _expected)
        {
            (await ReadAsync(key)).AsSpan().SequenceEqual(data).Should().BeTrue(because + " in " + key);
            list.Single(v => v.Key == key).DataId.Should().Be(id, because);
        }

        foreach (var parent in list.Select(v => v.SmConfig.GetValueOrDefault("vhd-parent")).OfType<string>())
            list.Should().Contain(v => v.Key == parent && !v.Managed, because);
    }

    /// <summary>After the collector: no base has one child only, and nothing lies around.</summary>
    public async Task VerifyHealthyAsync()
    {
        var list = await Sr.ListAsync(default);
        foreach (var hidden in list.Where(v => !v.Managed))
            list.Count(v => v.SmConfig.GetValueOrDefault("vhd-parent") == hidden.Key).Should().BeGreaterThan(1);
        var allowed = list.Select(v => v.Key + ".vhd").Concat(list.Where(v => v.Managed).Select(v => v.Key + ".meta"));
        Directory.EnumerateFiles(Folder).Select(Path.GetFileName).Should().BeSubsetOf(allowed);
    }

    public async ValueTask DisposeAsync()
    {
        await Sr.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>As in a new process: nothing is known of what the last one held.</summary>
    private VhdTreePlugin NewPlugin() => Trees.NewPlugin(_root, _options);

    private async Task PlantAsync()
    {
        // Bases that stand above each other, the upper ones larger.
        var disk = await CreateAsync(4 * MiB);
        await WriteAsync(disk, 0, 2 * MiB + 5000);
        var first = await SnapshotAsync(disk);
        await WriteAsync(disk, 1000, 3000);
        await Sr.ResizeAsync(disk, 8 * MiB, default);
        await WriteAsync(disk, 7 * MiB, MiB);
        var second = await SnapshotAsync(disk);
        await WriteAsync(disk, 2 * MiB, 512);
        await WriteAsync(disk, 5 * MiB, 700);
        Written = await CloneAsync(disk);
        Empty = await CloneAsync(disk);
        await WriteAsync(Written, 3 * MiB, 4 * MiB);
        await WriteAsync(disk, 0, 512);
        await Sr.DestroyVolumeAsync(first, default);
        await Sr.DestroyVolumeAsync(second, default);

        // A leaf that is empty and larger than the base that it is alone on.
        var grown = await CreateAsync(4 * MiB);
        await WriteAsync(grown, 0, 3 * MiB);
        var small = await SnapshotAsync(grown);
        await Sr.ResizeAsync(grown, 8 * MiB, default);
        await Sr.DestroyVolumeAsync(small, default);

        // A leaf with data, and one without, alone on a base.
        foreach (var writes in new[] { true, false })
        {
            var alone = await CreateAsync(4 * MiB);
            await WriteAsync(alone, 0, 3 * MiB);
            var other = await SnapshotAsync(alone);
            if (writes)
                await WriteAsync(alone, 2 * MiB, MiB);
            await Sr.DestroyVolumeAsync(other, default);
        }
    }

    private async Task<string> CreateAsync(long size) =>
        (await Sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "v", "", size, false, NoParams), default)).Volume!.Key;

    private async Task<string> SnapshotAsync(string key) => (await Sr.SnapshotAsync(key, Guid.NewGuid(), NoParams, default)).Volume!.Key;

    private async Task<string> CloneAsync(string key) => (await Sr.CloneAsync(key, Guid.NewGuid(), NoParams, default)).Volume!.Key;

    private async Task WriteAsync(string key, long offset, int length)
    {
        await using var device = await Sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        var data = new byte[length];
        data.AsSpan().Fill(++_value);
        await device.WriteAsync(offset, data);
    }

    /// <summary>A part of every 32 KiB: each write above touches at least one.</summary>
    private async Task<byte[]> ReadAsync(string key)
    {
        await using var device = await Sr.OpenAsync(key, DatapathMode.Read, default);
        var data = new byte[device.VirtualSize / 8];
        for (var part = 0; part < data.Length; part += 4096)
            await device.ReadAsync(part * 8L, data.AsMemory(part, 4096));
        return data;
    }

    private void Step(string name)
    {
        if (_fault is null || --_left != 0)
            return;
        (Name, Reached) = (name, true);
        throw _fault;
    }
}
