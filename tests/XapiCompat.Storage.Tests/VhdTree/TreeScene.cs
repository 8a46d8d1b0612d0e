using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Storage.VhdTree;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>A small tree with one volume of each kind, on a file system that fails when told to, and what each volume must contain.</summary>
internal sealed class TreeScene : IAsyncDisposable
{
    public const long Size = 4 << 20;

    /// <summary>Places that are looked at: in two blocks, at their starts, ends and between.</summary>
    public const int Slots = 6;

    private const int SlotBytes = 1536;
    private static readonly long[] Offsets = [0, 4096, 1 << 20, (2 << 20) - 700, 3 << 20, Size - SlotBytes];
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly SrConfiguration _configuration = new(Guid.NewGuid(), NoParams);
    private readonly VhdTreeOptions _options;
    private readonly string _root;
    private ISr? _sr;

    private TreeScene(string root, VhdTreeOptions options)
    {
        _root = root;
        _options = options with { Files = Files };
    }

    public FaultyFiles Files { get; } = new();

    public ISr Sr => _sr!;

    /// <summary>By key: the byte that fills each slot.</summary>
    public Dictionary<string, byte[]> Expected { get; } = [];

    public string Root { get; private set; } = "";

    public string Volume { get; private set; } = "";

    public string Snapshot { get; private set; } = "";

    public string Lonely { get; private set; } = "";

    public string Directory => Trees.DirectoryOf(_root, _configuration);

    public static VolumeSpec Spec(Guid uuid) => new(uuid, "v", "", Size, false, NoParams);

    public static async Task<TreeScene> BuildAsync(VhdTreeOptions options)
    {
        var parent = System.IO.Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var scene = new TreeScene(System.IO.Directory.CreateDirectory(Path.Combine(parent, "xapicompat-" + Guid.NewGuid().ToString("N"))).FullName, options);
        await scene.NewPlugin().CreateAsync(scene._configuration, default);
        await scene.ReattachAsync();
        scene.Root = await scene.CreateAsync(11);
        scene.Volume = await scene.CreateAsync(22);
        var snapshot = Guid.NewGuid();
        await scene.Sr.SnapshotAsync(scene.Volume, snapshot, NoParams, default);
        scene.Copy(scene.Volume, snapshot);
        scene.Snapshot = snapshot.ToString();
        await scene.WriteSlotAsync(scene.Volume, 1, 33);
        await scene.WriteSlotAsync(scene.Volume, 3, 34);
        var source = await scene.CreateAsync(44);
        var lonely = Guid.NewGuid();
        await scene.Sr.CloneAsync(source, lonely, NoParams, default);
        scene.Copy(source, lonely);
        scene.Lonely = lonely.ToString();
        await scene.Sr.DestroyVolumeAsync(source, default);
        scene.Expected.Remove(source);
        return scene;
    }

    public string PathOf(string key) => Path.Combine(Directory, key + ".vhd");

    /// <summary>The base copy below a volume.</summary>
    public string BaseOf(string key)
    {
        using var file = VhdIo.Open(PathOf(key), VhdAccess.Read);
        var bytes = new byte[DynamicHeader.Size];
        file.Read(DynamicHeader.UsualOffset, bytes);
        DynamicHeader.TryRead(bytes, out var header, out _).Should().BeTrue();
        return Path.GetFileNameWithoutExtension(header.ParentName);
    }

    public async Task PutAsync(string name, string text) => await File.WriteAllTextAsync(Path.Combine(Directory, name), text);

    public ValueTask<SrCheck> CheckAsync(bool repair = false) => NewPlugin().CheckAsync(_configuration, repair, default);

    /// <summary>Every file with its contents.</summary>
    public Dictionary<string, string> Fingerprint() => System.IO.Directory.EnumerateFiles(Directory)
        .ToDictionary(f => f, f => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))));

    public async Task DetachAsync()
    {
        await _sr!.DisposeAsync();
        _sr = null;
    }

    /// <summary>As in a new process: nothing is known of what the last one held.</summary>
    public async Task ReattachAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        _sr = null;
        _sr = await NewPlugin().AttachAsync(_configuration, default);
    }

    public void Copy(string source, Guid copy) => Expected[copy.ToString()] = [.. Expected[source]];

    public void Fill(string key, byte value) => Expected[key].AsSpan().Fill(value);

    /// <summary>Every slot, then a flush: an import.</summary>
    public async Task WriteAsync(string key, byte value)
    {
        await using var device = await Sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        foreach (var offset in Offsets)
            await device.WriteAsync(offset, Bytes(value));
        await device.FlushAsync();
    }

    public async Task<IReadOnlyList<string>> ManagedAsync() => [.. (await Sr.ListAsync(default)).Where(v => v.Managed).Select(v => v.Key)];

    /// <summary>After a write that failed: each sector is the old or the new one, and is taken for what it is from now on.</summary>
    public async Task AdoptPartAsync(string key, byte value, string because)
    {
        await using (var device = await Sr.OpenAsync(key, DatapathMode.Read, default))
        {
            for (var slot = 0; slot < Slots; slot++)
            {
                var bytes = await ReadSlotAsync(device, slot);
                bytes.Should().OnlyContain(b => b == value || b == Expected[key][slot], because);
            }
        }

        await WriteAsync(key, value);
        Fill(key, value);
    }

    /// <summary>Every volume is there with its contents, no other is, and every base carries something.</summary>
    public async Task VerifyAsync(string because)
    {
        var list = await Sr.ListAsync(default);
        Sr.Problems.Should().BeEmpty(because);
        list.Where(v => v.Managed).Select(v => v.Key).Should().BeEquivalentTo(Expected.Keys, because);
        list.Where(v => !v.Managed).Should().OnlyContain(b => list.Any(v => v.SmConfig.GetValueOrDefault("vhd-parent") == b.Key), because);
        foreach (var (key, slots) in Expected)
        {
            await using var device = await Sr.OpenAsync(key, DatapathMode.Read, default);
            device.VirtualSize.Should().Be(list.Single(v => v.Key == key).VirtualSize, because);
            for (var slot = 0; slot < Slots; slot++)
            {
                if ((await ReadSlotAsync(device, slot)).AsSpan().ContainsAnyExcept(slots[slot]))
                    false.Should().BeTrue($"slot {slot} of {key} is {slots[slot]} {because}");
            }
        }
    }

    /// <summary>Files that no operation leaves behind.</summary>
    public IEnumerable<string> Leftovers() => Names().Where(n => n.EndsWith(".new", StringComparison.Ordinal) || n.EndsWith(".tmp", StringComparison.Ordinal));

    /// <summary>Files that belong to no volume.</summary>
    public IEnumerable<string> Strays()
    {
        var list = Sr.ListAsync(default).AsTask().GetAwaiter().GetResult();
        return Names().Except(list.Select(v => v.Key + ".vhd")).Except(list.Where(v => v.Managed).Select(v => v.Key + ".meta"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        OpenFiles().Should().BeEmpty("every descriptor is closed");
        System.IO.Directory.Delete(_root, recursive: true);
    }

    private IEnumerable<string> OpenFiles() => OperatingSystem.IsLinux()
        ? System.IO.Directory.EnumerateFiles("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget).OfType<string>().Where(t => t.StartsWith(_root, StringComparison.Ordinal)).ToList()
        : [];

    private IEnumerable<string> Names() => System.IO.Directory.EnumerateFileSystemEntries(Directory).Select(f => Path.GetFileName(f));

    private VhdTreePlugin NewPlugin() => Trees.NewPlugin(_root, _options);

    private async Task<string> CreateAsync(byte value)
    {
        var key = (await Sr.CreateVolumeAsync(Spec(Guid.NewGuid()), default)).Volume!.Key;
        Expected[key] = new byte[Slots];
        await WriteAsync(key, value);
        Fill(key, value);
        return key;
    }

    private async Task WriteSlotAsync(string key, int slot, byte value)
    {
        await using var device = await Sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        await device.WriteAsync(Offsets[slot], Bytes(value));
        Expected[key][slot] = value;
    }

    private static byte[] Bytes(byte value)
    {
        var bytes = new byte[SlotBytes];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static async Task<byte[]> ReadSlotAsync(XapiCompat.Disks.IBlockDevice device, int slot)
    {
        var bytes = new byte[SlotBytes];
        await device.ReadAsync(Offsets[slot], bytes);
        return bytes;
    }
}
