namespace XapiCompat.Disks.Vhd;

/// <summary>
/// A leaf and its parents as one disk. Only the leaf is written, and only if it was opened for writing. Owns its files
/// and disposes of them.
/// </summary>
public sealed partial class VhdChain : IBlockDevice
{
    private readonly VhdFile[] _layers;
    private readonly ChainMap _parents;

    /// <summary>Takes opened files, leaf first, the last without a parent.</summary>
    /// <exception cref="VhdFormatException">
    /// The files are not each other's parents, or differ in block size. They then still belong to the caller.
    /// </exception>
    public VhdChain(IReadOnlyList<VhdFile> layers)
    {
        _layers = [.. layers];
        ArgumentOutOfRangeException.ThrowIfZero(_layers.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_layers.Length, ushort.MaxValue);
        for (var index = 0; index < _layers.Length; index++)
            CheckLink(index);
        _parents = new ChainMap(_layers);
    }

    /// <summary>Leaf first.</summary>
    public IReadOnlyList<VhdFile> Layers => _layers;

    public VhdFile Leaf => _layers[0];

    public long VirtualSize => _layers[0].VirtualSize;

    /// <summary>Opens files, leaf first; the parents for reading.</summary>
    /// <exception cref="VhdFormatException">A file is not a usable VHD, or the files are not each other's parents.</exception>
    public static VhdChain Open(IReadOnlyList<string> paths, VhdAccess leafAccess)
    {
        var layers = new List<VhdFile>(paths.Count);
        try
        {
            foreach (var path in paths)
                layers.Add(VhdFile.Open(path, layers.Count == 0 ? leafAccess : VhdAccess.Read));
            return new VhdChain(layers);
        }
        catch
        {
            layers.ForEach(layer => layer.Close());
            throw;
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default) => await Leaf.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, length);
        var extents = new List<Extent>();
        for (long position = offset, end = offset + length; position < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var block = (int)(position / Leaf.BlockSize);
            var next = Math.Min((block + 1L) * Leaf.BlockSize, end);
            var kind = Leaf.IsAllocated(block) || _parents.Find(block) != 0 ? ExtentKind.Data : ExtentKind.Zero;
            ByteRanges.Append(extents, position, next, kind);
            position = next;
        }

        return ValueTask.FromResult<IReadOnlyList<Extent>>(extents);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var layer in _layers)
            await layer.DisposeAsync();
    }

    private void CheckLink(int index)
    {
        var layer = _layers[index];
        var isLast = index == _layers.Length - 1;
        if (isLast && layer.DiskType == VhdDiskType.Differencing)
            throw new VhdFormatException(VhdFormatError.ParentMissing, layer.Path + " needs " + layer.ParentUniqueId);
        if (!isLast && (layer.DiskType != VhdDiskType.Differencing || layer.ParentUniqueId != _layers[index + 1].UniqueId))
            throw new VhdFormatException(VhdFormatError.ParentMismatch, _layers[index + 1].Path + " is not the parent of " + layer.Path);
        if (layer.BlockSize != _layers[0].BlockSize)
            throw new VhdFormatException(VhdFormatError.BlockSize, layer.Path + " has other blocks than " + _layers[0].Path);
    }

    private void CheckRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, VirtualSize - length);
    }
}
