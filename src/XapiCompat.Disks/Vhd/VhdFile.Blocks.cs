using System.Buffers.Binary;

namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdFile
{
    private const int DataAlignment = 4096;

    /// <summary>Sectors of a block that lie inside the virtual size.</summary>
    internal int SectorsIn(int block) =>
        (int)Math.Min(SectorsPerBlock, (VirtualSize - (long)block * BlockSize) / VhdLimits.SectorSize);

    /// <summary>The sector bitmap of an allocated block; null when it is full.</summary>
    internal byte[]? Bitmap(int block)
    {
        if (DiskType == VhdDiskType.Fixed || _state.Table.IsKnownFull(block))
            return null;
        if (_bitmaps.Find(block) is { } known)
            return known;
        lock (BlockLock(block))
            return LoadBitmap(block);
    }

    /// <summary>Reads stored bytes of an allocated block, whatever the bitmap says of them.</summary>
    internal void ReadStored(int block, int offset, Span<byte> buffer) => _io.Read(DataOffset(block) + offset, buffer);

    /// <summary>
    /// Writes whole sectors and sets their bits; allocates the block if need be. The caller holds the block's lock.
    /// </summary>
    internal void WriteSectors(int block, int firstSector, ReadOnlyMemory<byte> data)
    {
        EnsureWritable();
        var count = data.Length / VhdLimits.SectorSize;
        if (!IsAllocated(block))
        {
            Allocate(block, firstSector, count, data);
            return;
        }

        // The bits follow the data: an interruption between the two leaves the old contents visible.
        _io.Write(DataOffset(block) + (long)firstSector * VhdLimits.SectorSize, data);
        SetBits(block, firstSector, count);
    }

    /// <summary>
    /// Makes whole sectors of an allocated block zeroes by giving their room in the file back; false, and nothing done, where
    /// that is not to be had. The caller holds the block's lock.
    /// </summary>
    internal bool TryFreeSectors(int block, int firstSector, int count)
    {
        EnsureWritable();
        if (!_io.TryPunch(DataOffset(block) + (long)firstSector * VhdLimits.SectorSize, (long)count * VhdLimits.SectorSize))
            return false;
        SetBits(block, firstSector, count);
        return true;
    }

    /// <summary>Makes an unallocated block read as zeroes at the price of a bitmap: its data stays a hole.</summary>
    internal void AllocateZeroed(int block)
    {
        EnsureWritable();
        Allocate(block, 0, SectorsPerBlock, ReadOnlyMemory<byte>.Empty);
    }

    private long DataOffset(int block) => DiskType == VhdDiskType.Fixed
        ? (long)block * BlockSize
        : (long)_state.Table[block] * VhdLimits.SectorSize + _bitmapBytes;

    // Survives an end of the process between any two writes: the new footer stands behind the room for the block before the
    // old one is written over (and the copy at offset 0 covers a torn one); the block is complete before the BAT names it.
    // The worst left behind is a block's room that nobody names, which the next opening for writing takes back.
    private void Allocate(int block, int firstSector, int count, ReadOnlyMemory<byte> data)
    {
        var start = ReserveBlock();
        var bitmap = new byte[_bitmapBytes];

        // Without a parent an unwritten sector is zero either way, and a full bitmap never has to be written again.
        if (DiskType == VhdDiskType.Dynamic)
            SectorBitmap.Set(bitmap, 0, SectorsPerBlock);
        else
            SectorBitmap.Set(bitmap, firstSector, count);
        if (firstSector == 0 && data.Length > 0)
        {
            _io.Write(start, [bitmap, data]);
        }
        else
        {
            if (data.Length > 0)
                _io.Write(start + _bitmapBytes + (long)firstSector * VhdLimits.SectorSize, data);
            _io.Write(start, bitmap);
        }

        var sector = (uint)(start / VhdLimits.SectorSize);
        WriteTableEntry(block, sector);
        if (!SectorBitmap.IsFull(bitmap, 0, SectorsPerBlock))
            _bitmaps.Put(block, bitmap);
        else
            _bitmaps.Remove(block);
        _state.Table.Set(block, sector);
        if (SectorBitmap.IsFull(bitmap, 0, SectorsPerBlock))
            _state.Table.MarkFull(block);
    }

    private long ReserveBlock()
    {
        lock (_tailLock)
        {
            // Data on a page boundary, as tapdisk has it: neighbours then never share a page of the file below.
            var start = VhdLimits.RoundUp(_footerOffset + _bitmapBytes, DataAlignment) - _bitmapBytes;
            var end = start + _bitmapBytes + BlockSize;
            if (start / VhdLimits.SectorSize >= VhdLimits.UnusedBatEntry)
                throw new IOException("The VHD cannot grow any further: " + Path);
            _io.Write(end, Encode(_state.Footer));
            _footerOffset = end;
            return start;
        }
    }

    private void WriteTableEntry(int block, uint sector)
    {
        var entry = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(entry, sector);
        _io.Write(_state.Header!.Value.TableOffset + (long)block * sizeof(uint), entry);
    }

    private void SetBits(int block, int firstSector, int count)
    {
        if (DiskType == VhdDiskType.Fixed || LoadBitmap(block) is not { } before || SectorBitmap.IsFull(before, firstSector, count))
            return;
        var bitmap = (byte[])before.Clone();
        SectorBitmap.Set(bitmap, firstSector, count);

        // Only the sectors of the bitmap that changed, each of which reaches the disk whole or not at all.
        var from = firstSector / 8 / VhdLimits.SectorSize * VhdLimits.SectorSize;
        var to = (int)VhdLimits.RoundUp((firstSector + count + 7) / 8, VhdLimits.SectorSize);
        _io.Write((long)_state.Table[block] * VhdLimits.SectorSize + from, bitmap.AsMemory(from, to - from));
        Remember(block, bitmap);
    }

    private byte[]? LoadBitmap(int block)
    {
        if (_state.Table.IsKnownFull(block))
            return null;
        if (_bitmaps.Find(block) is { } known)
            return known;
        var bitmap = new byte[_bitmapBytes];
        _io.Read((long)_state.Table[block] * VhdLimits.SectorSize, bitmap);
        return Remember(block, bitmap);
    }

    private byte[]? Remember(int block, byte[] bitmap)
    {
        if (!SectorBitmap.IsFull(bitmap, 0, SectorsPerBlock))
        {
            _bitmaps.Put(block, bitmap);
            return bitmap;
        }

        _state.Table.MarkFull(block);
        _bitmaps.Remove(block);
        return null;
    }
}
