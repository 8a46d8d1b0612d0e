namespace XapiCompat.Storage;

/// <summary>A plugin that can look over the files of an SR without attaching it.</summary>
public interface IStorageCheck
{
    /// <summary>
    /// Reads everything and, without <paramref name="repair"/>, changes nothing. Repairing needs the SR for itself: it is neither
    /// attached here nor by another process. Failures are <see cref="StorageException"/>.
    /// </summary>
    ValueTask<SrCheck> CheckAsync(SrConfiguration configuration, bool repair, CancellationToken cancellationToken);
}

/// <summary>What a check found in one SR.</summary>
/// <param name="Volumes">Those that can be used, base copies included; sizes and parents as the files have them.</param>
/// <param name="Findings">What is wrong or worth a word.</param>
public sealed record SrCheck(IReadOnlyList<CheckedVolume> Volumes, IReadOnlyList<StorageFinding> Findings);

/// <param name="Key">As in <see cref="VolumeInfo"/>.</param>
/// <param name="Parent">Key of the volume below; null at the root.</param>
public sealed record CheckedVolume(string Key, long VirtualSize, bool Managed, string? Parent);

/// <summary>One thing that a check found.</summary>
/// <param name="Code">Kind of the finding, from docs/check.md.</param>
/// <param name="Subject">File or object concerned.</param>
/// <param name="Text">What is wrong, in words.</param>
public sealed record StorageFinding(FindingLevel Level, string Code, string Subject, string Text);

/// <summary>What becomes of a finding.</summary>
public enum FindingLevel
{
    /// <summary>No damage: something that others should know of, or that the next use puts right.</summary>
    Note,

    /// <summary>Can be put right without touching the data of any volume.</summary>
    Repairable,

    /// <summary>Was put right.</summary>
    Repaired,

    /// <summary>Needs a decision by somebody who knows the data.</summary>
    Error,
}
