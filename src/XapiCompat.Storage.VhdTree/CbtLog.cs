using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The log of one volume: which blocks were written since its parent's state. A bit is in the file before the data is, so that
/// an end of the process never loses one. Bits may be set from any thread; all else happens under the tree's lock.
/// </summary>
internal sealed class CbtLog(TreeDirectory directory, Guid id, CbtHeader header, string suffix = CbtFormat.Suffix)
{
    private readonly Lock _lock = new();
    private volatile byte[]? _bits;
    private VhdIo? _file;
    private bool _consistent = header.Consistent;
    private bool _unsure;
    private bool _blocked;
    private volatile CbtLog[] _children = [];
    private VolumeMeta? _meta;

    /// <summary>The volume's uuid.</summary>
    public Guid Id { get; } = id;

    public Guid Parent { get; private set; } = header.Parent;

    public long Size { get; private set; } = header.Size;

    /// <summary>As read or settled last; false for the log of an interrupted writer.</summary>
    public bool IsConsistent => _consistent;

    /// <summary>The boot in which the file was last written, as of reading it.</summary>
    public Guid Boot { get; } = header.Boot;

    public string Suffix { get; private set; } = suffix;

    /// <summary>True when the volume is gone and only its child still needs the bits.</summary>
    public bool Doomed { get; set; }

    /// <summary>The logs that go on from here: one, unless files were put there by hand.</summary>
    public CbtLog[] Children
    {
        get => _children;
        set => _children = value;
    }

    /// <summary>For a volume without data; one with data has its own.</summary>
    public VolumeMeta Meta
    {
        get => _meta ??= directory.ReadMeta(Id) ?? VolumeMeta.None;
        set => _meta = value;
    }

    public string Path => directory.PathOf(Id, Suffix);

    public long Length => directory.Length(Path);

    /// <summary>Sets the bits of a range. On failure nothing may be written to the disk.</summary>
    public void Mark(long offset, long length)
    {
        var first = offset >> CbtFormat.BlockShift;
        var last = (offset + length - 1) >> CbtFormat.BlockShift;
        if (_bits is { } known && AreSet(known, first, last) && !_blocked)
            return;
        lock (_lock)
            Set(first, last);
    }

    /// <summary>
    /// Says that all bits are in the file. Right at any time, because the next new bit takes it back first; done when a writer closes.
    /// </summary>
    public void Settle()
    {
        lock (_lock)
        {
            if (!_consistent)
            {
                directory.Step("settle " + Path);
                using var file = Open();
                _file = null;

                // What a failed flush was to bring to the disk, the next one would not: it is written again first.
                if (_unsure && _bits is { } bits)
                    file.Write(CbtFormat.HeaderLength, bits);
                _unsure = directory.Durable;
                if (directory.Durable)
                    file.Flush();
                CbtFormat.WriteConsistent(file, true);
                _unsure = false;
                _consistent = true;
            }

            Forget();
        }
    }

    /// <summary>Lets go of the file.</summary>
    public void Close()
    {
        lock (_lock)
            Forget();
    }

    /// <summary>Nothing may be written to the disk any more: its log could not be put right.</summary>
    public void Block() => _blocked = true;

    public byte[] ReadBits()
    {
        lock (_lock)
            return _bits is { } bits ? [.. bits] : CbtFormat.ReadBits(Path, Size, directory.Files);
    }

    /// <summary>Replaces the file as a whole by one with another parent or size and <paramref name="more"/> bits; new blocks are unwritten.</summary>
    public void Rewrite(Guid parent, long size, ReadOnlySpan<byte> more)
    {
        lock (_lock)
        {
            var bits = new byte[CbtFormat.BitmapLength(size)];
            CbtFormat.Add(bits, _bits ?? CbtFormat.ReadBits(Path, Size, directory.Files));
            CbtFormat.Add(bits, more);
            CbtFormat.Trim(bits, size);
            var temporary = directory.PathOf(Id, CbtFormat.TemporarySuffix);
            try
            {
                CbtFormat.Write(temporary, new(parent, Children.FirstOrDefault()?.Id ?? Guid.Empty, _consistent, size, directory.Boot), bits, directory);
                directory.Move(temporary, Path);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                directory.TryDelete(Id, CbtFormat.TemporarySuffix);
                throw;
            }

            Forget();
            Parent = parent;
            Size = size;
        }
    }

    /// <summary>Gives the file another suffix.</summary>
    public void Rename(string suffix)
    {
        lock (_lock)
        {
            directory.Move(Path, directory.PathOf(Id, suffix));
            Suffix = suffix;
        }
    }

    /// <summary>Ends the descent from a log that goes.</summary>
    public void CutParent()
    {
        directory.Step("cut " + Path);
        CbtFormat.WriteUuid(Path, CbtFormat.ParentOffset, Guid.Empty, directory.Files);
        Parent = Guid.Empty;
    }

    /// <summary>Follows from the parents' names, so a failure does no harm.</summary>
    public void TryNoteChild()
    {
        try
        {
            directory.Step("link " + Path);
            CbtFormat.WriteUuid(Path, CbtFormat.ChildOffset, Children.FirstOrDefault()?.Id ?? Guid.Empty, directory.Files);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    private void Set(long first, long last)
    {
        if (_blocked)
            throw new IOException("the log of written blocks cannot be written: " + Path);
        var bits = _bits ??= CbtFormat.ReadBits(Path, Size, directory.Files);
        if (AreSet(bits, first, last))
            return;
        if (last >> 3 >= bits.Length)
            throw new IOException("the log of written blocks is too short: " + Path);
        if (_consistent)
            Unsettle();

        var start = (int)(first >> 3);
        var part = bits.AsSpan(start, (int)(last >> 3) - start + 1).ToArray();
        part[0] |= first >> 3 == last >> 3 ? Mask((int)first & 7, (int)last & 7) : Mask((int)first & 7, 7);
        if (part.Length > 1)
        {
            part.AsSpan(1, part.Length - 2).Fill(0xFF);
            part[^1] |= Mask(0, (int)last & 7);
        }

        directory.Step("mark " + Path);
        Open().Write(CbtFormat.HeaderLength + start, part);

        // Who sees a bit here writes data at once: the file has it by now.
        Thread.MemoryBarrier();
        part.CopyTo(bits.AsSpan(start));
    }

    private void Unsettle()
    {
        directory.Step("unsettle " + Path);
        try
        {
            CbtFormat.WriteBoot(Open(), Size, directory.Boot);
            CbtFormat.WriteConsistent(Open(), false);
            if (directory.Durable)
                Open().Flush();
            _consistent = false;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            // After a failed flush the file takes nothing more until it is opened again.
            Forget();
            throw;
        }
    }

    private static bool AreSet(byte[] bits, long first, long last)
    {
        var (start, end) = ((int)(first >> 3), (int)(last >> 3));
        if (end >= bits.Length)
            return false;
        if (start == end)
            return Has(bits[start], Mask((int)first & 7, (int)last & 7));
        return Has(bits[start], Mask((int)first & 7, 7)) && Has(bits[end], Mask(0, (int)last & 7))
            && !bits.AsSpan(start + 1, end - start - 1).ContainsAnyExcept((byte)0xFF);
    }

    private static bool Has(byte value, byte mask) => (value & mask) == mask;

    private static byte Mask(int first, int last) => (byte)((0xFF << first) & (0xFF >> (7 - last)));

    private VhdIo Open() => _file ??= VhdIo.Open(Path, VhdAccess.ReadWrite, directory.Files);

    private void Forget()
    {
        _file?.Dispose();
        _file = null;
        _bits = null;
    }
}
