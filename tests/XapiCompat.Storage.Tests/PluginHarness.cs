using XapiCompat.Disks;

namespace XapiCompat.Storage.Tests;

/// <summary>One SR of one plugin in a directory of its own, on a memory file system where there is one.</summary>
public sealed class PluginHarness : IAsyncDisposable
{
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly IStoragePlugin _plugin;
    private readonly SrConfiguration _configuration;
    private ISr? _sr;

    private PluginHarness(string root, IStoragePlugin plugin, IReadOnlyDictionary<string, string> config)
    {
        _configuration = new(Guid.NewGuid(), config);
        Root = root;
        _plugin = plugin;
    }

    public string Root { get; }

    public ISr Sr => _sr ?? throw new InvalidOperationException("detached");

    /// <param name="config">device_config for a root; empty without.</param>
    public static async Task<PluginHarness> StartAsync(Func<string, IStoragePlugin> plugin, Func<string, IReadOnlyDictionary<string, string>>? config = null)
    {
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var root = Path.Combine(parent, "xapicompat-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(root);
        var harness = new PluginHarness(root, plugin(root), config?.Invoke(root) ?? NoParams);
        await harness._plugin.CreateAsync(harness._configuration, CancellationToken.None);
        await harness.ReattachAsync();
        return harness;
    }

    public async Task ReattachAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        _sr = await _plugin.AttachAsync(_configuration, CancellationToken.None);
    }

    public async Task<VolumeInfo> CreateAsync(long size, string name = "disk")
    {
        var changes = await Sr.CreateVolumeAsync(
            new VolumeSpec(Guid.NewGuid(), name, "a " + name, size, false, NoParams), CancellationToken.None);
        return changes.Volume!;
    }

    public async Task<VolumeInfo> SnapshotAsync(string key)
    {
        var uuid = Guid.NewGuid();
        var changes = await Sr.SnapshotAsync(key, uuid, new Dictionary<string, string> { ["unknown"] = "ignored" }, CancellationToken.None);
        return changes.Volume!;
    }

    public async Task<VolumeInfo> CloneAsync(string key) =>
        (await Sr.CloneAsync(key, Guid.NewGuid(), NoParams, CancellationToken.None)).Volume!;

    public ValueTask<VolumeInfo> StatAsync(string key) => Sr.StatVolumeAsync(key, CancellationToken.None);

    public ValueTask<VolumeChanges> DestroyAsync(string key) => Sr.DestroyVolumeAsync(key, CancellationToken.None);

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode) => Sr.OpenAsync(key, mode, CancellationToken.None);

    public async Task WriteAsync(string key, long offset, ReadOnlyMemory<byte> data)
    {
        await using var device = await OpenAsync(key, DatapathMode.ReadWrite);
        await device.WriteAsync(offset, data);
    }

    public async Task<byte[]> ReadAsync(string key)
    {
        await using var device = await OpenAsync(key, DatapathMode.Read);
        var data = new byte[device.VirtualSize];
        await device.ReadAsync(0, data);
        return data;
    }

    public async Task<IReadOnlyList<VolumeInfo>> ManagedAsync() =>
        [.. (await Sr.ListAsync(CancellationToken.None)).Where(v => v.Managed)];

    public async ValueTask DisposeAsync()
    {
        if (_sr is not null)
            await _sr.DisposeAsync();
        Directory.Delete(Root, recursive: true);
    }
}
