using System.Buffers.Binary;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// The BAT in memory. Pages without an allocated block are not kept, so that memory follows what is stored and not what a
/// header claims. Readers need no lock.
/// </summary>
internal sealed class BlockTable(int entries)
{
    public const int PageEntries = 1024;

    private readonly Page?[] _pages = new Page?[(entries + PageEntries - 1) / PageEntries];
    private int _allocated;

    public int Entries => entries;

    public int AllocatedCount => Volatile.Read(ref _allocated);

    /// <summary>The sector at which the block's bitmap starts, or <see cref="VhdLimits.UnusedBatEntry"/>.</summary>
    public uint this[int block]
    {
        get
        {
            if ((uint)block >= (uint)entries)
                return VhdLimits.UnusedBatEntry;
            var page = Volatile.Read(ref _pages[block / PageEntries]);
            return page is null ? VhdLimits.UnusedBatEntry : Volatile.Read(ref page.Sectors[block % PageEntries]);
        }
    }

    /// <summary>Publishes an entry after the block is complete. One writer per block; pages are made under a lock.</summary>
    public void Set(int block, uint sector)
    {
        ref var slot = ref _pages[block / PageEntries];
        lock (_pages)
            slot ??= new Page();
        var before = slot.Sectors[block % PageEntries];
        Volatile.Write(ref slot.Sectors[block % PageEntries], sector);
        Interlocked.Add(ref _allocated, (before == VhdLimits.UnusedBatEntry ? 1 : 0) - (sector == VhdLimits.UnusedBatEntry ? 1 : 0));
    }

    public bool IsKnownFull(int block)
    {
        var page = Volatile.Read(ref _pages[block / PageEntries]);
        return page is not null && (Volatile.Read(ref page.Full[block % PageEntries / 64]) >> (block % 64) & 1) != 0;
    }

    /// <summary>Remembers that the sector bitmap of an allocated block has no clear bit left.</summary>
    public void MarkFull(int block) =>
        Interlocked.Or(ref _pages[block / PageEntries]!.Full[block % PageEntries / 64], 1UL << (block % 64));

    public IEnumerable<int> Allocated(int limit)
    {
        for (var index = 0; index < _pages.Length; index++)
        {
            if (Volatile.Read(ref _pages[index]) is null)
                continue;
            var end = Math.Min((index + 1) * PageEntries, Math.Min(limit, entries));
            for (var block = index * PageEntries; block < end; block++)
            {
                if (this[block] != VhdLimits.UnusedBatEntry)
                    yield return block;
            }
        }
    }

    /// <summary>The same blocks in a table of another length.</summary>
    public BlockTable Resize(int newEntries)
    {
        var table = new BlockTable(newEntries);
        foreach (var block in Allocated(newEntries))
        {
            table.Set(block, this[block]);
            if (IsKnownFull(block))
                table.MarkFull(block);
        }

        return table;
    }

    /// <summary>Encodes entries as they stand in the file; those past the table's end are unused.</summary>
    public void Write(int firstBlock, Span<byte> destination)
    {
        for (var offset = 0; offset < destination.Length; offset += sizeof(uint))
            BinaryPrimitives.WriteUInt32BigEndian(destination[offset..], this[firstBlock + offset / sizeof(uint)]);
    }

    private sealed class Page
    {
        public Page() => Array.Fill(Sectors, VhdLimits.UnusedBatEntry);

        public uint[] Sectors { get; } = new uint[PageEntries];

        public ulong[] Full { get; } = new ulong[PageEntries / 64];
    }
}
