namespace XapiCompat.Disks.Vhd;

/// <summary>
/// A leaf and its parents as one disk. Only the leaf is written, and only if it was opened for writing. Owns its files
/// and disposes of them.
/// </summary>
public sealed class VhdChain : IBlockDevice
{
    /// <summary>Takes opened files, leaf first, the last without a parent.</summary>
    /// <exception cref="VhdFormatException">The files are not each other's parents, or differ in block size.</exception>
    public VhdChain(IReadOnlyList<VhdFile> layers) => Layers = layers;

    /// <summary>Leaf first.</summary>
    public IReadOnlyList<VhdFile> Layers { get; }

    public VhdFile Leaf => Layers[0];

    public long VirtualSize => Leaf.VirtualSize;

    /// <summary>Opens files, leaf first; the parents for reading.</summary>
    public static VhdChain Open(IReadOnlyList<string> paths, VhdAccess leafAccess) => throw new NotImplementedException();

    /// <summary>
    /// The byte ranges of <paramref name="disk"/> that may differ from <paramref name="other"/>: blocks stored in files that
    /// belong to exactly one of the chains, clipped to the size of <paramref name="disk"/>. Reads no data block.
    /// All kinds are <see cref="ExtentKind.Data"/>; ascending, neighbours merged.
    /// </summary>
    public static IReadOnlyList<Extent> Difference(VhdChain disk, VhdChain other) => throw new NotImplementedException();

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
