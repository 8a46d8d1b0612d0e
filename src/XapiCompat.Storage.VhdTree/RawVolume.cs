namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// A volume that is one plain file, <c>&lt;uuid&gt;.raw</c>: no part of a tree, so it is neither snapshotted nor resized.
/// Guarded by the lock of its <see cref="VhdTreeSr"/> except where a member says otherwise.
/// </summary>
internal sealed class RawVolume(Guid id, long size, VolumeMeta meta)
{
    public Guid Id { get; } = id;

    public string Key => Id.ToString("D");

    /// <summary>Virtual size and length of the file, in bytes.</summary>
    public long Size { get; } = size;

    public VolumeMeta Meta { get; set; } = meta;

    /// <summary>Set when somebody has seen the data's id; the next write gives another first. Read by writers without a lock.</summary>
    public bool Observed
    {
        get => Volatile.Read(ref _observed);
        set => Volatile.Write(ref _observed, value);
    }

    /// <summary>Held while the data gets another id.</summary>
    public SemaphoreSlim Renaming { get; } = new(1, 1);

    private bool _observed = true;
}
