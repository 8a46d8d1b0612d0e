using System.Collections.Immutable;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// Reads and judges the metadata of a file. Opening and checking share it: opening throws at the first finding that prevents
/// it, checking collects. Nothing here takes memory in proportion to a number that the file merely claims.
/// </summary>
internal sealed class VhdInspector(VhdIo io, Action<VhdFinding> report)
{
    private readonly long _length = io.Length;
    private readonly List<(long Start, long End)> _metadata = [];

    /// <summary>Null when a finding leaves nothing to go on with.</summary>
    public VhdImage? Inspect()
    {
        if (ReadFooters() is not var (footer, tailIsValid, copyIsValid))
            return null;
        if (footer.FindProblem() is var problem and not VhdFormatError.None)
            return Fail(problem, 0, "disk type " + (uint)footer.DiskType + ", size " + footer.CurrentSize);
        if (footer.DiskType == VhdDiskType.Fixed)
        {
            return footer.CurrentSize > _length - Footer.Size
                ? Fail(VhdFormatError.DataTruncated, _length, "fixed disk of " + footer.CurrentSize + " bytes in a file of " + _length)
                : new VhdImage(footer, null, new BlockTable(0), footer.CurrentSize, tailIsValid, copyIsValid, []);
        }

        if (ReadHeader(footer) is not { } header)
            return null;
        _metadata.Add((0, Footer.Size));
        _metadata.Add(((long)footer.DataOffset, (long)footer.DataOffset + DynamicHeader.Size));
        if (!CheckTable(header))
            return null;
        FindBatmap(footer, header);
        var locators = FindLocators(header);
        var limit = tailIsValid ? _length - Footer.Size : _length;
        var blocks = new BlockTableReader(io, report, header, limit, _metadata);
        if (blocks.Read() is not { } table)
            return null;
        var end = Math.Max(blocks.DataEnd, _metadata.Max(range => range.End));
        return new VhdImage(footer, header, table, end, tailIsValid, copyIsValid, locators);
    }

    private (Footer Footer, bool TailIsValid, bool CopyIsValid)? ReadFooters()
    {
        if (_length < Footer.Size)
        {
            Fail(VhdFormatError.TooShort, 0, "file of " + _length + " bytes");
            return null;
        }

        var bytes = new byte[Footer.Size];
        io.Read(_length - Footer.Size, bytes);
        var tailIsValid = Footer.TryRead(bytes, out var tail, out var tailError);
        io.Read(0, bytes);
        var copyIsValid = Footer.TryRead(bytes, out var copy, out var copyError);
        if (tailIsValid && tail.DiskType == VhdDiskType.Fixed)
        {
            // Offset 0 of a fixed disk is the guest's, which may well keep another VHD there.
            if (copyIsValid && copy.UniqueId == tail.UniqueId && copy != tail)
                Fail(VhdFormatError.FooterDisagreement, 0, "a fixed disk with a differing footer copy");
            return (tail, true, false);
        }

        if (copyIsValid && copy.DiskType == VhdDiskType.Fixed && !tailIsValid)
            (copyIsValid, copyError) = (false, tailError);
        if (!tailIsValid && !copyIsValid)
        {
            Fail(tailError, _length - Footer.Size, "neither footer nor footer copy is valid");
            return null;
        }

        if (!tailIsValid)
            Note(tailError, _length - Footer.Size, "the footer is damaged; its copy is used");
        else if (!copyIsValid)
            Note(copyError, 0, "the footer copy is damaged");
        else if (tail.CurrentSize != copy.CurrentSize || tail.DiskType != copy.DiskType || tail.UniqueId != copy.UniqueId)
            Fail(VhdFormatError.FooterDisagreement, 0, "footer and footer copy differ in size, type or unique id");
        return (tailIsValid ? tail : copy, tailIsValid, copyIsValid);
    }

    private DynamicHeader? ReadHeader(in Footer footer)
    {
        if (footer.DataOffset < Footer.Size || footer.DataOffset % VhdLimits.SectorSize != 0
            || footer.DataOffset > long.MaxValue || (long)footer.DataOffset > _length - DynamicHeader.Size)
        {
            Fail(VhdFormatError.HeaderOffset, 0, "data offset " + footer.DataOffset + " in a file of " + _length);
            return null;
        }

        var offset = (long)footer.DataOffset;
        var bytes = new byte[DynamicHeader.Size];
        io.Read(offset, bytes);
        if (!DynamicHeader.TryRead(bytes, out var header, out var error) || (error = header.FindProblem(footer)) != VhdFormatError.None)
        {
            Fail(error, offset, "dynamic header");
            if (error != VhdFormatError.SelfParent)
                return null;
        }

        return header;
    }

    private bool CheckTable(in DynamicHeader header)
    {
        var end = header.TableOffset + (long)header.MaxTableEntries * sizeof(uint);
        if (header.TableOffset >= _length || Overlaps(header.TableOffset, end))
            Fail(VhdFormatError.TableOffset, header.TableOffset, "BAT at " + header.TableOffset);
        else if (end > _length)
            Fail(VhdFormatError.TableTruncated, header.TableOffset, "BAT of " + header.MaxTableEntries + " entries");
        else
        {
            _metadata.Add((header.TableOffset, end));
            return true;
        }

        return false;
    }

    private void FindBatmap(in Footer footer, in DynamicHeader header)
    {
        if (footer.CreatorApplication != Footer.TapCreator || footer.CreatorVersion < 0x00010001)
            return;
        var offset = BatmapOffset(header);
        var bytes = new byte[Batmap.Size];
        if (offset > _length - Batmap.Size)
        {
            Note(VhdFormatError.BatmapRange, offset, "no room for a batmap");
            return;
        }

        io.Read(offset, bytes);
        if (!Batmap.TryRead(bytes, out var batmap, out var error))
        {
            Note(error, offset, "no batmap where tapdisk expects one");
            return;
        }

        _metadata.Add((offset, offset + Batmap.Size));
        var length = (long)batmap.MapSectors * VhdLimits.SectorSize;
        if (batmap.MapOffset < 0 || batmap.MapOffset > _length - length || Overlaps(batmap.MapOffset, batmap.MapOffset + length))
            Note(VhdFormatError.BatmapRange, offset, "batmap at " + batmap.MapOffset);
        else
            _metadata.Add((batmap.MapOffset, batmap.MapOffset + length));
    }

    private ImmutableArray<int> FindLocators(in DynamicHeader header)
    {
        var usable = ImmutableArray.CreateBuilder<int>();
        for (var index = 0; index < header.ParentLocators.Length; index++)
        {
            var locator = header.ParentLocators[index];
            if (locator.PlatformCode == 0)
                continue;
            var end = locator.DataOffset + locator.SpaceInBytes;
            if (locator.DataOffset < 0 || locator.DataOffset > _length - locator.SpaceInBytes
                || locator.DataLength > locator.SpaceInBytes || Overlaps(locator.DataOffset, end))
            {
                Note(VhdFormatError.LocatorRange, locator.DataOffset, "parent locator " + index);
                continue;
            }

            _metadata.Add((locator.DataOffset, end));
            usable.Add(index);
        }

        return usable.ToImmutable();
    }

    /// <summary>Where tapdisk puts the batmap header: the sector behind the BAT.</summary>
    public static long BatmapOffset(in DynamicHeader header) =>
        header.TableOffset + VhdLimits.RoundUp((long)header.MaxTableEntries * sizeof(uint), VhdLimits.SectorSize);

    private bool Overlaps(long start, long end) => _metadata.Exists(range => start < range.End && range.Start < end);

    private VhdImage? Fail(VhdFormatError error, long offset, string message)
    {
        report(new VhdFinding(error, offset, message, PreventsOpening: true));
        return null;
    }

    private void Note(VhdFormatError error, long offset, string message) =>
        report(new VhdFinding(error, offset, message, PreventsOpening: false));
}
