using System.Collections.Concurrent;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// Sector bitmaps that are neither full nor out of memory's bounds. An array in here never changes: a writer puts a new one.
/// </summary>
internal sealed class BitmapCache(int bitmapBytes)
{
    private const int MaxBytes = 1 << 20;

    private readonly ConcurrentDictionary<int, byte[]> _bitmaps = new();

    public byte[]? Find(int block) => _bitmaps.TryGetValue(block, out var bitmap) ? bitmap : null;

    /// <summary>The caller holds the block's lock, or a stale bitmap could replace a newer one.</summary>
    public void Put(int block, byte[] bitmap)
    {
        // The file has them all; what is still in use comes back at the price of one small read.
        if (_bitmaps.Count >= MaxBytes / bitmapBytes)
            _bitmaps.Clear();
        _bitmaps[block] = bitmap;
    }

    public void Remove(int block) => _bitmaps.TryRemove(block, out _);
}
