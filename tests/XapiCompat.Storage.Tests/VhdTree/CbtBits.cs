using FluentAssertions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Bitmaps of changed blocks as sets of block numbers.</summary>
internal static class CbtBits
{
    public const int Block = 65536;

    public static async Task<IReadOnlyList<int>> ChangedAsync(ISr sr, string from, string to)
    {
        var changes = await sr.ListChangedBlocksAsync(from, to, default);
        var size = (await sr.StatVolumeAsync(to, default)).VirtualSize;
        if (changes.Granularity != Block || changes.Bitmap.Length != ((size + Block - 1) / Block + 7) / 8)
            changes.Should().BeNull("{0} bytes are no bitmap of {1} bytes", changes.Bitmap.Length, size);
        return Blocks(changes.Bitmap.Span);
    }

    public static IReadOnlyList<int> Blocks(ReadOnlySpan<byte> bitmap)
    {
        var blocks = new List<int>();
        for (var i = 0; i < bitmap.Length * 8; i++)
        {
            if ((bitmap[i / 8] & (0x80 >> (i % 8))) != 0)
                blocks.Add(i);
        }

        return blocks;
    }

    /// <summary>Blocks in which two disks differ; what only one of them has counts as zeroes.</summary>
    /// <param name="unit">Bytes that stand for a block.</param>
    public static IReadOnlyList<int> Differing(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other, int unit = Block)
    {
        var blocks = new List<int>();
        for (var block = 0; block * unit < other.Length; block++)
        {
            var mine = other[(block * unit)..Math.Min(other.Length, (block + 1) * unit)];
            var theirs = one[Math.Min(one.Length, block * unit)..Math.Min(one.Length, (block + 1) * unit)];
            if (!mine[..theirs.Length].SequenceEqual(theirs) || mine[theirs.Length..].ContainsAnyExcept((byte)0))
                blocks.Add(block);
        }

        return blocks;
    }
}
