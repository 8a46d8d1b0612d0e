using XapiCompat.Disks;
using XapiCompat.Storage;

namespace XapiCompat.Server.Tests.Support;

/// <summary>The plugin behind it, with failures where a test wants them, and with a revert in place by copying.</summary>
public sealed class UnreliablePlugin(IStoragePlugin inner, StorageFaults faults) : IStoragePlugin
{
    public PluginDescription Query() => inner.Query();

    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken) => inner.CreateAsync(configuration, cancellationToken);

    public async ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken) =>
        new Sr(await inner.AttachAsync(configuration, cancellationToken), faults);

    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken) => inner.DestroyAsync(configuration, cancellationToken);

    private sealed class Sr(ISr inner, StorageFaults faults) : ISr
    {
        public IReadOnlyList<string> Problems => inner.Problems;

        public ISrCollector? Collector => inner.Collector is { } collector ? new UnreliableCollector(collector, faults) : null;

        // The moment between a look at the SR and the records that follow from it.
        public async ValueTask<SrStat> StatAsync(CancellationToken cancellationToken)
        {
            var stat = await inner.StatAsync(cancellationToken);
            await faults.CheckAsync("stat", cancellationToken);
            return stat;
        }

        public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) => inner.ListAsync(cancellationToken);

        public async ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken)
        {
            var volume = await inner.StatVolumeAsync(key, cancellationToken);
            await faults.CheckAsync("stat_volume", cancellationToken);
            return volume;
        }

        public async ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("create", cancellationToken);
            return await inner.CreateVolumeAsync(spec, cancellationToken);
        }

        public async ValueTask<VolumeChanges> SnapshotAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("snapshot", cancellationToken);
            return await inner.SnapshotAsync(key, uuid, driverParams, cancellationToken);
        }

        public async ValueTask<VolumeChanges> SnapshotAsync(
            string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("snapshot", cancellationToken);
            return await inner.SnapshotAsync(key, uuid, driverParams, keys, cancellationToken);
        }

        // The contract's own way of keeping pairs is used for clones.
        public async ValueTask<VolumeChanges> CloneAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("clone", cancellationToken);
            return await inner.CloneAsync(key, uuid, driverParams, cancellationToken);
        }

        public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) => inner.DestroyVolumeAsync(key, cancellationToken);

        public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) =>
            inner.ResizeAsync(key, virtualSize, cancellationToken);

        public async ValueTask<VolumeChanges> RevertAsync(string snapshotKey, string key, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("revert", cancellationToken);
            await using (var from = await inner.OpenAsync(snapshotKey, DatapathMode.Read, cancellationToken))
            await using (var into = await inner.OpenAsync(key, DatapathMode.ReadWrite, cancellationToken))
            {
                var data = new byte[from.VirtualSize];
                await from.ReadAsync(0, data, cancellationToken);
                await into.WriteAsync(0, data, cancellationToken);
                await into.FlushAsync(cancellationToken);
            }

            var volume = await inner.StatVolumeAsync(key, cancellationToken);
            return new(volume, [volume], []);
        }

        public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
            inner.SetNameAsync(key, name, description, cancellationToken);

        public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) =>
            inner.SetAsync(key, keys, cancellationToken);

        public ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) =>
            inner.CompareAsync(baseKey, key, cancellationToken);

        public async ValueTask<VolumeChanges> EnableCbtAsync(string key, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("enable_cbt", cancellationToken);
            return await inner.EnableCbtAsync(key, cancellationToken);
        }

        public async ValueTask<VolumeChanges> DisableCbtAsync(string key, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("disable_cbt", cancellationToken);
            return await inner.DisableCbtAsync(key, cancellationToken);
        }

        public async ValueTask<VolumeChanges> DataDestroyAsync(string key, CancellationToken cancellationToken)
        {
            await faults.CheckAsync("data_destroy", cancellationToken);
            return await inner.DataDestroyAsync(key, cancellationToken);
        }

        public ValueTask<ChangedBlocks> ListChangedBlocksAsync(string fromKey, string toKey, CancellationToken cancellationToken) =>
            inner.ListChangedBlocksAsync(fromKey, toKey, cancellationToken);

        public async ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) =>
            new Device(await inner.OpenAsync(key, mode, cancellationToken), faults);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Device(IBlockDevice inner, StorageFaults faults) : IBlockDevice
    {
        public long VirtualSize => inner.VirtualSize;

        public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await faults.CheckAsync("read", cancellationToken);
            await inner.ReadAsync(offset, buffer, cancellationToken);
        }

        public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await faults.CheckAsync("write", cancellationToken);
            await inner.WriteAsync(offset, buffer, cancellationToken);
        }

        public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default) => inner.ZeroAsync(offset, length, cancellationToken);

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
            inner.ExtentsAsync(offset, length, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
