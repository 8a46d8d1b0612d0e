namespace XapiCompat.Storage.VhdTree;

/// <summary>What a log of written blocks says of itself.</summary>
/// <param name="Parent">The volume from whose state on this log notes; empty when there is none.</param>
/// <param name="Child">The volume whose log goes on from here. Written for other readers: the parent is what counts.</param>
/// <param name="Consistent">False from the first new bit until the last writer has closed.</param>
/// <param name="Size">Virtual size of the volume in bytes.</param>
/// <param name="Boot">The boot in which the log was last written; empty when the file does not say.</param>
internal readonly record struct CbtHeader(Guid Parent, Guid Child, bool Consistent, long Size, Guid Boot);
