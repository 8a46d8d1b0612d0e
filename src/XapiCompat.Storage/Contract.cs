using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// A storage-manager plugin, in the words of SMAPIv3 (Plugin, SR, Volume, Datapath). A plugin returns facts about
/// volumes and owns the journals inside its SR; records, tasks and intents belong to the host.
/// </summary>
public interface IStoragePlugin
{
    /// <summary>Name, version and features; constant for the life of the plugin.</summary>
    PluginDescription Query();

    /// <summary>Makes an empty SR. <paramref name="configuration"/> is the PBD's device_config.</summary>
    ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken);

    /// <summary>
    /// Opens an SR, finishing or undoing whatever an interruption left behind inside it. Attaching twice is the
    /// host's mistake; the result is disposed of to detach.
    /// </summary>
    ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken);

    /// <summary>Removes a detached SR and everything in it. Destroying what is gone succeeds.</summary>
    ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("SR.destroy");

    /// <summary>
    /// The SRs that exist where <paramref name="deviceConfig"/> points to. A missing key fails with its fault, whose
    /// <see cref="StorageException.Detail"/> may list what to choose from.
    /// </summary>
    ValueTask<IReadOnlyList<FoundSr>> ProbeAsync(IReadOnlyDictionary<string, string> deviceConfig, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("SR.probe");
}

/// <summary>An SR found by a probe.</summary>
/// <param name="PhysicalSize">Bytes.</param>
public sealed record FoundSr(Guid Uuid, long PhysicalSize);

/// <param name="Uuid">The SR's uuid.</param>
/// <param name="DeviceConfig">device_config of the PBD: keys as the plugin's <see cref="PluginDescription.Configuration"/> names them.</param>
public sealed record SrConfiguration(Guid Uuid, IReadOnlyDictionary<string, string> DeviceConfig);

/// <param name="Types">SR types served, as SM.type says them (<c>ext</c>, <c>nfs</c>, <c>file</c>).</param>
/// <param name="Features">SM.features: feature name to version.</param>
/// <param name="Configuration">device_config key to description.</param>
public sealed record PluginDescription(
    string Name,
    string Description,
    string Version,
    IReadOnlyList<string> Types,
    IReadOnlyDictionary<string, int> Features,
    IReadOnlyDictionary<string, string> Configuration)
{
    /// <summary>Keys of VDI.sm_config that belong to the plugin: the host removes one that <see cref="VolumeInfo.SmConfig"/> no longer has.</summary>
    public IReadOnlyList<string> SmConfigKeys { get; init; } = [];
}

/// <summary>Sizes of an SR in bytes.</summary>
public sealed record SrStat(long PhysicalSize, long PhysicalUtilisation, long VirtualAllocation);

/// <summary>What a plugin knows of a volume; <see cref="Key"/> is opaque to the host and unique in the SR.</summary>
/// <param name="Key">Becomes VDI.location.</param>
/// <param name="Uuid">Becomes VDI.uuid; null lets the host choose.</param>
/// <param name="VirtualSize">Bytes, after the plugin's rounding.</param>
/// <param name="PhysicalUtilisation">Bytes on the SR.</param>
/// <param name="Managed">False for nodes that only carry other volumes' data; clients may read their record, not use them.</param>
/// <param name="DataId">
/// Names the state of the data: the same as long as nothing was written, another one after a write. Export
/// streams carry it so that a differential names its base.
/// </param>
/// <param name="SmConfig">Keys for VDI.sm_config that the plugin owns; the host replaces exactly these.</param>
/// <param name="Keys">What the host stored with <see cref="ISr.SetAsync"/>; survives SR.forget and SR.introduce.</param>
public sealed record VolumeInfo(
    string Key,
    Guid? Uuid,
    string Name,
    string Description,
    bool ReadWrite,
    bool Sharable,
    long VirtualSize,
    long PhysicalUtilisation,
    bool Managed,
    Guid DataId,
    IReadOnlyDictionary<string, string> SmConfig,
    IReadOnlyDictionary<string, string> Keys)
{
    /// <summary>True while the plugin notes which blocks of the volume are written, or kept such a note when the data went.</summary>
    public bool CbtEnabled { get; init; }

    public VolumeKind Kind { get; init; }
}

/// <summary>
/// Everything that an operation changed in an SR, so that the host can write all records in one transaction.
/// </summary>
/// <param name="Volume">The volume that was asked for; null after a destroy.</param>
/// <param name="Changed">All volumes that are new or differ from before, <paramref name="Volume"/> included.</param>
/// <param name="Removed">Keys of the volumes that are gone.</param>
public sealed record VolumeChanges(VolumeInfo? Volume, IReadOnlyList<VolumeInfo> Changed, IReadOnlyList<string> Removed);

/// <param name="Uuid">Uuid that the host proposes; a plugin that names its volumes by uuid uses it.</param>
/// <param name="VirtualSize">Bytes asked for; the plugin may round up.</param>
public sealed record VolumeSpec(
    Guid Uuid,
    string Name,
    string Description,
    long VirtualSize,
    bool Sharable,
    IReadOnlyDictionary<string, string> SmConfig)
{
    /// <summary>Pairs of the host to store with the data from the start; see <see cref="ISr.SetAsync"/>.</summary>
    public IReadOnlyDictionary<string, string> Keys { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// An attached SR. The host serialises calls that change the SR; reads and datapaths run beside them.
/// Optional members have default bodies that answer <see cref="StorageFault.Unimplemented"/>, and the features say which
/// are real. Failures are <see cref="StorageException"/>; an I/O failure may also surface as <see cref="IOException"/>.
/// </summary>
public interface ISr : IAsyncDisposable
{
    /// <summary>What attach or the last <see cref="ListAsync"/> found that is no usable volume and was left alone, a line each.</summary>
    IReadOnlyList<string> Problems => [];

    ValueTask<SrStat> StatAsync(CancellationToken cancellationToken);

    /// <summary>All volumes, unmanaged ones included.</summary>
    ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken);

    /// <summary>A fresh look at one volume; <see cref="StorageFault.VolumeDoesNotExist"/> when it is gone.</summary>
    ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken);

    ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.create");

    /// <summary>A new volume with the data of this moment. Writes headers only; never opens a chain.</summary>
    /// <param name="key">The source, which stays writable; its datapaths must be reopened afterwards.</param>
    /// <param name="uuid">Proposed uuid of the new volume.</param>
    /// <param name="driverParams">Free map of VDI.snapshot; unknown keys are ignored.</param>
    ValueTask<VolumeChanges> SnapshotAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.snapshot");

    /// <summary>A new writable volume with the data of this moment; parameters as for a snapshot.</summary>
    ValueTask<VolumeChanges> CloneAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.clone");

    /// <summary>
    /// As the other one, with pairs of the host that the new volume has from the start. A plugin that writes them together with the
    /// volume saves a step; this default stores them after it.
    /// </summary>
    async ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) =>
        await KeepAsync(await SnapshotAsync(key, uuid, driverParams, cancellationToken), keys, cancellationToken);

    /// <summary>As the other one, with pairs of the host that the new volume has from the start.</summary>
    async ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) =>
        await KeepAsync(await CloneAsync(key, uuid, driverParams, cancellationToken), keys, cancellationToken);

    /// <summary>
    /// Puts the data of a volume without open datapaths back to a snapshot's; key and uuid stay. Only called when the features say VDI_REVERT.
    /// </summary>
    ValueTask<VolumeChanges> RevertAsync(string snapshotKey, string key, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.revert");

    /// <summary>Removes a volume and every unmanaged node that carried only it. Destroying what is gone succeeds.</summary>
    ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.destroy");

    /// <summary>Changes the virtual size of a volume without open datapaths.</summary>
    ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.resize");

    /// <summary>Stores name and description with the data.</summary>
    ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>Stores key-value pairs of the host with the data; a null value removes the key.</summary>
    ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>
    /// Byte ranges in which <paramref name="key"/> may differ from <paramref name="baseKey"/>, ascending, from metadata
    /// alone: no data block of either is read. Null when the plugin cannot tell (then all of it may differ).
    /// </summary>
    ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<Extent>?>(null);

    /// <summary>
    /// From now on the blocks written to a volume are noted. Its datapaths stay open and note as well; the host keeps writers
    /// away during the call. Enabling twice succeeds.
    /// </summary>
    ValueTask<VolumeChanges> EnableCbtAsync(string key, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.enable_cbt");

    /// <summary>Drops the note of a volume's written blocks; what older snapshots noted stays. Disabling twice succeeds.</summary>
    ValueTask<VolumeChanges> DisableCbtAsync(string key, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.disable_cbt");

    /// <summary>
    /// Removes the data of a tracked volume without open datapaths and keeps its note of written blocks, as a volume of the kind
    /// <see cref="VolumeKind.CbtMetadata"/>. Succeeds for one that is of this kind already.
    /// </summary>
    ValueTask<VolumeChanges> DataDestroyAsync(string key, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.data_destroy");

    /// <summary>
    /// The blocks that were written after <paramref name="fromKey"/> and up to <paramref name="toKey"/>: at least those in which
    /// the two differ. <see cref="StorageFault.CbtChangedBlocks"/> when the one does not descend from the other.
    /// </summary>
    ValueTask<ChangedBlocks> ListChangedBlocksAsync(string fromKey, string toKey, CancellationToken cancellationToken) =>
        throw StorageException.Unimplemented("Volume.list_changed_blocks");

    /// <summary>
    /// Opens the data of a volume. A read-only datapath keeps showing the state of its opening for as long as nobody
    /// writes to that volume; a snapshot of the volume does not disturb it.
    /// </summary>
    ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken);

    /// <summary>What tidies up behind volumes that came and went; null when there is nothing of the kind in this SR.</summary>
    ISrCollector? Collector => null;

    private async ValueTask<VolumeChanges> KeepAsync(VolumeChanges changes, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken)
    {
        if (keys.Count == 0)
            return changes;
        try
        {
            await SetAsync(changes.Volume!.Key, keys.ToDictionary(p => p.Key, p => (string?)p.Value, StringComparer.Ordinal), cancellationToken);
            return changes;
        }
        catch
        {
            await DestroyVolumeAsync(changes.Volume!.Key, CancellationToken.None);
            throw;
        }
    }
}

public enum DatapathMode
{
    Read,
    ReadWrite,
}
