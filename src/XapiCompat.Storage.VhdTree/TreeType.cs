namespace XapiCompat.Storage.VhdTree;

/// <summary>An SR type whose volumes are trees of VHD files: what clients see of its driver, and where its directories are.</summary>
/// <param name="DirectoryOf">The directory of an SR; <see cref="StorageException"/> when device_config lacks a key.</param>
/// <param name="ShelfOf">
/// The directory whose subdirectories, named by uuid, are the SRs that a probe finds. Null when there is at most one SR at a place,
/// which has no name of its own.
/// </param>
public sealed record TreeType(
    PluginDescription Description,
    Func<SrConfiguration, string> DirectoryOf,
    Func<IReadOnlyDictionary<string, string>, string>? ShelfOf = null);
