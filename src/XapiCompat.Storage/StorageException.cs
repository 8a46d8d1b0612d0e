namespace XapiCompat.Storage;

/// <summary>Typed failures of plugins; the host turns them into XenAPI errors (numbers as in SM's error table).</summary>
public enum StorageFault
{
    SrInUse = 16,
    VolumeInUse = 24,
    Unimplemented = 38,
    SrNotEmpty = 39,
    ScanFailed = 40,
    VolumeExists = 43,
    NoSpace = 44,
    VolumeUnavailable = 46,
    SrUnavailable = 47,
    SrCreateFailed = 61,
    SrDeleteFailed = 63,
    VolumeLoad = 65,
    VolumeType = 66,
    NfsMount = 73,
    VolumeCreate = 78,
    VolumeSize = 79,
    VolumeDelete = 80,
    VolumeClone = 81,
    VolumeSnapshot = 82,
    DeviceMissing = 90,
    LocationMissing = 94,
    TargetMissing = 95,
    TargetIqnMissing = 96,
    ServerPathMissing = 101,
    ServerMissing = 102,
    ServerPathBad = 103,
    ScsiIdMissing = 107,
    ChainTooLong = 109,
    VolumeResize = 110,
    VolumeDoesNotExist = 144,
    InputOutput = 200,
    General = 202,
    LeafCoalesceGaveUp = 204,
    IsoLocalPath = 226,
    CbtActivate = 457,
    CbtDeactivate = 458,
    CbtMetadata = 459,
    CbtChangedBlocks = 460,
}

/// <summary>A failure that a plugin foresaw. <see cref="Exception.Message"/> is the text clients see.</summary>
public sealed class StorageException(StorageFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public StorageFault Fault { get; } = fault;

    /// <summary>What the backend found, for clients to choose from (XML); the last parameter of the error.</summary>
    public string Detail { get; init; } = "";

    public static StorageException Unimplemented(string operation) =>
        new(StorageFault.Unimplemented, "Unimplemented: " + operation);

    public static StorageException Missing(string key) =>
        new(StorageFault.VolumeDoesNotExist, "The VDI is not available [opterr=" + key + "]");
}
