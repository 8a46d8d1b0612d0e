using System.Buffers;
using System.Collections.Immutable;

namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdFile
{
    private ImmutableArray<int> _usableLocators;

    /// <summary>Sets or clears tapdisk's hidden mark. Durable after <see cref="FlushAsync"/>.</summary>
    public ValueTask SetHiddenAsync(bool hidden, CancellationToken cancellationToken = default)
    {
        EnsureWritable();
        cancellationToken.ThrowIfCancellationRequested();
        lock (_tailLock)
        {
            var footer = _state.Footer with { Hidden = hidden ? (byte)1 : (byte)0 };

            // Footer and copy may disagree in this field: the footer then counts, so it is written last.
            if (DiskType != VhdDiskType.Fixed)
                _io.Write(0, Encode(footer));
            _io.Write(_footerOffset, Encode(footer));
            _state = _state with { Footer = footer };
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Gives the data another name; durable on return.</summary>
    public async ValueTask SetUniqueIdAsync(Guid uniqueId, CancellationToken cancellationToken = default)
    {
        EnsureWritable();
        if (uniqueId == ParentUniqueId && DiskType == VhdDiskType.Differencing)
            throw new ArgumentException("A disk cannot be its own parent.", nameof(uniqueId));
        await Task.Run(() => ReplaceFooter(footer => footer with { UniqueId = uniqueId }), cancellationToken);
    }

    /// <summary>
    /// Puts a differencing disk on another parent: id, bare file name and the locators that have the room. Writers may go on beside it.
    /// </summary>
    /// <param name="durable">True returns only when the change is on stable storage.</param>
    public async ValueTask SetParentAsync(Guid uniqueId, string name, bool durable = true, CancellationToken cancellationToken = default)
    {
        EnsureWritable();
        if (DiskType != VhdDiskType.Differencing)
            throw new InvalidOperationException("Only a differencing disk has a parent: " + Path);
        if (uniqueId == UniqueId)
            throw new ArgumentException("A disk cannot be its own parent.", nameof(uniqueId));
        ParentPath.Validate(name);
        await Task.Run(() => ReplaceParent(uniqueId, name, durable), cancellationToken);
    }

    /// <summary>
    /// Makes the disk larger (bytes); smaller is refused, equal does nothing; durable on return. The new room reads as zeroes.
    /// </summary>
    public async ValueTask ResizeAsync(long virtualSize, CancellationToken cancellationToken = default)
    {
        EnsureWritable();
        if ((_state.Footer with { CurrentSize = virtualSize }).FindProblem() != VhdFormatError.None || virtualSize < VirtualSize)
            throw new ArgumentOutOfRangeException(nameof(virtualSize), virtualSize, "Not a size to which this disk can grow.");
        if (DiskType == VhdDiskType.Fixed)
            throw new NotSupportedException("A fixed disk cannot grow: " + Path);
        if (virtualSize == VirtualSize)
            return;
        await Task.Run(() => Grow(virtualSize), cancellationToken);
    }

    private void Grow(long virtualSize)
    {
        var blocks = VhdLimits.BlockCount(virtualSize, BlockSize);

        // Entries that the smaller size did not show must not bring old blocks to light.
        for (var block = BlockCount; block < Math.Min(blocks, _state.Table.Entries); block++)
        {
            if (_state.Table[block] == VhdLimits.UnusedBatEntry)
                continue;
            WriteTableEntry(block, VhdLimits.UnusedBatEntry);
            _state.Table.Set(block, VhdLimits.UnusedBatEntry);
        }

        if (blocks > _state.Table.Entries)
            GrowTable(blocks);
        ReplaceFooter(footer => footer with { CurrentSize = virtualSize, Geometry = DiskGeometry.FromSize(virtualSize) });
    }

    // The header's first sector names table offset, number of entries and checksum: it turns from the old table to the new in
    // one sector write. The room of the old table stays unused.
    private void GrowTable(int blocks)
    {
        const int EntriesPerSector = VhdLimits.SectorSize / sizeof(uint);
        var old = _state.Header!.Value;
        var entries = (uint)VhdLimits.RoundUp(Math.Max(blocks, Math.Min(
            blocks + (long)blocks / 2, VhdLimits.BlockCount(VhdLimits.MaxVirtualSize, BlockSize))), EntriesPerSector);
        var table = _state.Table.Resize((int)entries);
        lock (_tailLock)
        {
            var header = old with { TableOffset = _footerOffset, MaxTableEntries = entries };
            var batmapOffset = VhdInspector.BatmapOffset(header);
            var batmap = Batmap.CreateEmpty(batmapOffset, entries);
            var end = batmap.MapOffset + (long)batmap.MapSectors * VhdLimits.SectorSize;
            _io.Write(end, Encode(_state.Footer));
            _footerOffset = end;
            WriteTable(table, header.TableOffset);
            var batmapHeader = new byte[Batmap.Size];
            batmap.Write(batmapHeader);
            var parts = new List<ReadOnlyMemory<byte>> { batmapHeader };
            Repeat(parts, Zeroes, (long)batmap.MapSectors * VhdLimits.SectorSize);
            _io.Write(batmapOffset, parts);
            _io.Flush();
            WriteHeader(header, durable: true);
            _state = _state with { Header = header, Table = table };
        }
    }

    private void WriteTable(BlockTable table, long offset)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(BlockTable.PageEntries * sizeof(uint));
        try
        {
            for (var first = 0; first < table.Entries; first += BlockTable.PageEntries)
            {
                var chunk = bytes.AsMemory(0, Math.Min(BlockTable.PageEntries, table.Entries - first) * sizeof(uint));
                table.Write(first, chunk.Span);
                _io.Write(offset + (long)first * sizeof(uint), chunk);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>
    /// Makes a differencing disk that stores all that its parents stored for it a dynamic one: it has no parent any more. The
    /// footer's type decides, and at every moment footer or copy is valid; durable on return. The file must not be written meanwhile,
    /// and has to be reopened afterwards.
    /// </summary>
    public async ValueTask ForgetParentAsync(Guid uniqueId, CancellationToken cancellationToken = default)
    {
        EnsureWritable();
        if (DiskType != VhdDiskType.Differencing)
            throw new InvalidOperationException("Only a differencing disk has a parent: " + Path);
        await Task.Run(
            () =>
            {
                // The header's words about a parent mean nothing from the footer on; they go after it.
                ReplaceFooter(footer => footer with { DiskType = VhdDiskType.Dynamic, UniqueId = uniqueId });
                WriteHeader(_state.Header!.Value with { ParentUniqueId = Guid.Empty, ParentName = "", ParentTimestamp = 0, ParentLocators = [] }, durable: true);
            },
            cancellationToken);
    }

    private void ReplaceParent(Guid uniqueId, string name, bool durable)
    {
        if (durable)
            _io.Flush();
        lock (_tailLock)
            ReplaceParentLocked(uniqueId, name, durable);
    }

    private void ReplaceParentLocked(Guid uniqueId, string name, bool durable)
    {
        var header = _state.Header!.Value;
        var locators = header.ParentLocators.ToBuilder();
        for (var index = 0; index < locators.Count; index++)
        {
            var locator = locators[index];
            if (locator.PlatformCode == 0)
                continue;
            var path = ParentPath.IsKnown(locator.PlatformCode) ? ParentPath.Encode(locator.PlatformCode, name) : [];
            if (path.Length == 0 || path.Length > locator.SpaceInBytes || !_usableLocators.Contains(index))
            {
                // A locator that cannot name the new parent must not go on naming the old one.
                locators[index] = default;
                continue;
            }

            var padded = new byte[VhdLimits.RoundUp(path.Length, VhdLimits.SectorSize)];
            path.CopyTo(padded, 0);
            _io.Write(locator.DataOffset, padded);
            locators[index] = locator with { DataLength = (uint)path.Length };
        }

        header = header with { ParentUniqueId = uniqueId, ParentName = name, ParentLocators = locators.ToImmutable() };
        if (durable)
            _io.Flush();
        WriteHeader(header, durable);
        _state = _state with { Header = header };
    }

    private void WriteHeader(in DynamicHeader header, bool durable)
    {
        var bytes = new byte[DynamicHeader.Size];
        header.Write(bytes);
        _io.Write((long)_state.Footer.DataOffset, bytes);
        if (durable)
            _io.Flush();
    }

    // Footer and copy that are both valid must agree in size and id. So the footer goes first and comes back last, and at
    // every moment one of the two is valid. Each step is on the disk before the next one starts.
    private void ReplaceFooter(Func<Footer, Footer> change)
    {
        lock (_tailLock)
        {
            var footer = change(_state.Footer);
            if (DiskType != VhdDiskType.Fixed)
            {
                _io.Write(_footerOffset, Zeroes.AsMemory(0, Footer.Size));
                _io.Flush();
                _io.Write(0, Encode(footer));
                _io.Flush();
            }

            _io.Write(_footerOffset, Encode(footer));
            _io.Flush();
            _state = _state with { Footer = footer };
        }
    }

    // Repairs what an interruption left, so that allocation can rely on a footer at the very end and a copy at the start.
    private long PrepareTail(VhdImage image)
    {
        if (DiskType == VhdDiskType.Fixed)
            return _io.Length - Footer.Size;
        if (!image.CopyIsValid)
            _io.Write(0, Encode(image.Footer));
        var end = VhdLimits.RoundUp(image.DataEnd, VhdLimits.SectorSize);
        var footerOffset = _io.Length - Footer.Size;

        // Room for a block between data and footer was reserved and never named.
        var isAbandoned = footerOffset - end >= _bitmapBytes + BlockSize && image.Footer.CreatorApplication == Footer.TapCreator;
        if (image.TailIsValid && !isAbandoned && footerOffset % VhdLimits.SectorSize == 0)
            return footerOffset;
        _io.Write(end, Encode(image.Footer));
        _io.Length = end + Footer.Size;
        return end;
    }
}
