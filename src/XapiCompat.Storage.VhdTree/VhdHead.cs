using XapiCompat.Disks;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>What the first and the last sectors of a VHD tell: enough to put it into a tree without opening it.</summary>
/// <param name="Length">Bytes of the file.</param>
internal sealed record VhdHead(Footer Footer, DynamicHeader? Header, long Length)
{
    public bool HasParent => Footer.DiskType == VhdDiskType.Differencing;

    /// <summary>False only when there is nowhere room for a block, neither before nor behind the BAT.</summary>
    public bool HasBlocks => Header is not { } header
        || header.TableOffset >= header.BlockSize
        || Length - (header.TableOffset + 4L * header.MaxTableEntries) >= header.BlockSize;

    /// <summary>Reads a file; null and a reason when it is not a whole VHD.</summary>
    public static VhdHead? TryRead(string path, out string problem, FileLayer? files = null)
    {
        using var file = VhdIo.Open(path, VhdAccess.Read, files);
        var length = file.Length;
        Span<byte> buffer = stackalloc byte[Footer.Size + DynamicHeader.Size];
        if (length < Footer.Size)
        {
            problem = nameof(VhdFormatError.TooShort);
            return null;
        }

        file.Read(length - Footer.Size, buffer[..Footer.Size]);
        var isWhole = Footer.TryRead(buffer, out var footer, out var footerError);
        if (!isWhole)
        {
            file.Read(0, buffer[..Footer.Size]);
            if (!Footer.TryRead(buffer, out footer, out _))
            {
                problem = footerError.ToString();
                return null;
            }
        }

        var error = footer.FindProblem();
        if (error == VhdFormatError.None && footer.DiskType == VhdDiskType.Fixed && footer.CurrentSize > length - Footer.Size)
            error = VhdFormatError.DataTruncated;
        DynamicHeader? header = null;
        if (error == VhdFormatError.None && footer.DiskType != VhdDiskType.Fixed)
        {
            var offset = footer.DataOffset <= (ulong)length ? (long)footer.DataOffset : length;
            var count = (int)Math.Min(length - offset, DynamicHeader.Size);
            file.Read(offset, buffer[..count]);
            if (DynamicHeader.TryRead(buffer[..count], out var found, out error))
            {
                error = found.FindProblem(footer);
                header = found;
            }
        }

        // Without its last sectors it may also lack the blocks before them.
        if (error == VhdFormatError.None && !isWhole)
            error = VhdChecker.Check(path, files).FirstOrDefault(f => f.PreventsOpening)?.Error ?? error;
        problem = error.ToString();
        return error == VhdFormatError.None ? new VhdHead(footer, header, length) : null;
    }

    /// <summary>Sets tapdisk's hidden mark in both footers of a file that nobody writes.</summary>
    public static void Hide(string path, bool durable, FileLayer? files = null)
    {
        using var file = VhdIo.Open(path, VhdAccess.ReadWrite, files);
        var buffer = new byte[Footer.Size];
        foreach (var offset in new[] { file.Length - Footer.Size, 0 })
        {
            file.Read(offset, buffer);
            if (!Footer.TryRead(buffer, out var footer, out _))
                continue;
            (footer with { Hidden = 1 }).Write(buffer);
            file.Write(offset, buffer);

            // The start of a fixed disk is the guest's, whatever it looks like.
            if (footer.DiskType == VhdDiskType.Fixed)
                break;
        }

        if (durable)
            file.Flush();
    }
}
