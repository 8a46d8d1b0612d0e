namespace XapiCompat.Storage;

/// <summary>What there is of a volume.</summary>
public enum VolumeKind
{
    /// <summary>A disk.</summary>
    Data,

    /// <summary>No data: only the note which blocks were written up to the snapshot that this was.</summary>
    CbtMetadata,
}
