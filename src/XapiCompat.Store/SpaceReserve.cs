namespace XapiCompat.Store;

/// <summary>
/// A file of zeros beside the database. On a full file system it gives way to the commits that delete records, so that
/// space can be won back through the API.
/// </summary>
internal sealed class SpaceReserve(string path)
{
    /// <summary>Bytes: some hundred commits of the write-ahead log.</summary>
    private const int Size = 2 << 20;

    private bool _held;

    /// <summary>Takes the space if it is not held and there is room; a full file system is no error here.</summary>
    public void Hold()
    {
        if (_held)
            return;
        try
        {
            // Written, not only sized: a sparse file reserves nothing.
            using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 0);
            if (file.Length < Size)
                RandomAccess.Write(file.SafeFileHandle, new byte[Size], 0);
            _held = true;
        }
        catch (IOException)
        {
            Release();
        }
    }

    /// <summary>True when there was space to give.</summary>
    public bool Release()
    {
        var had = _held;
        _held = false;
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            return false;
        }

        return had;
    }
}
