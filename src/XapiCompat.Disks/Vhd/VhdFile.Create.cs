namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdFile
{
    private static readonly byte[] Ones = Enumerable.Repeat((byte)0xFF, 64 * 1024).ToArray();
    private static readonly byte[] Zeroes = new byte[64 * 1024];

    /// <summary>Writes headers only and returns the new file opened for writing.</summary>
    /// <exception cref="ArgumentException">A size, name or type that the format cannot hold.</exception>
    public static VhdFile Create(string path, VhdCreateOptions options, FileLayer? files = null)
    {
        Validate(options);
        return Create(path, options, VhdIo.Create(path, options.Overwrite, files));
    }

    internal static VhdFile Create(string path, VhdCreateOptions options, VhdIo io)
    {
        try
        {
            var footer = Footer.Create(options.DiskType, options.VirtualSize, options.UniqueId, VhdTime.FromDateTime(options.Timestamp)) with
            {
                Hidden = options.Hidden ? (byte)1 : (byte)0,
            };
            var image = options.DiskType == VhdDiskType.Fixed
                ? new VhdImage(footer, null, new BlockTable(0), options.VirtualSize, true, false, [])
                : WriteSparse(io, options, footer);
            if (options.DiskType == VhdDiskType.Fixed)
                io.Write(options.VirtualSize, Encode(footer));
            if (options.Durable)
                io.Flush();
            return new VhdFile(path, VhdAccess.ReadWrite, io, image) { _footerOffset = image.DataEnd };
        }
        catch
        {
            io.Dispose();
            throw;
        }
    }

    private static void Validate(VhdCreateOptions options)
    {
        if (Footer.Create(options.DiskType, options.VirtualSize, options.UniqueId, 0).FindProblem() is var problem and not VhdFormatError.None)
            throw new ArgumentException(problem + ": " + options.DiskType + " of " + options.VirtualSize + " bytes", nameof(options));
        if (!uint.IsPow2((uint)options.BlockSize) || options.BlockSize is < VhdLimits.MinBlockSize or > VhdLimits.MaxBlockSize)
            throw new ArgumentException("Block size " + options.BlockSize, nameof(options));
        if (options.ReservedSize is < 0 or > VhdLimits.MaxVirtualSize)
            throw new ArgumentException("Reserved size " + options.ReservedSize, nameof(options));
        if (options.DiskType != VhdDiskType.Differencing)
            return;
        if (options.ParentUniqueId == options.UniqueId)
            throw new ArgumentException("A disk cannot be its own parent.", nameof(options));
        ParentPath.Validate(options.ParentName);
    }

    // Everything from the footer copy to the footer in one call, because a snapshot waits for two such files.
    private static VhdImage WriteSparse(VhdIo io, VhdCreateOptions options, in Footer footer)
    {
        var entries = (uint)VhdLimits.BlockCount(Math.Max(options.VirtualSize, options.ReservedSize), options.BlockSize);
        var header = new DynamicHeader { MaxTableEntries = entries, BlockSize = (uint)options.BlockSize };
        var batmapOffset = VhdInspector.BatmapOffset(header);
        var batmap = Batmap.CreateEmpty(batmapOffset, entries);
        var end = batmap.MapOffset + (long)batmap.MapSectors * VhdLimits.SectorSize;
        var locatorData = ReadOnlyMemory<byte>.Empty;
        if (options.DiskType == VhdDiskType.Differencing)
        {
            header = header with
            {
                ParentUniqueId = options.ParentUniqueId,
                ParentName = options.ParentName,
                ParentTimestamp = VhdTime.FromDateTime(options.ParentTimestamp),
                ParentLocators = ParentPath.PlaceLocators(options.ParentName, end),
            };
            locatorData = ParentPath.EncodeAll(options.ParentName);
            end += locatorData.Length;
        }

        var head = new byte[Footer.Size + DynamicHeader.Size];
        footer.Write(head);
        header.Write(head.AsSpan(Footer.Size));
        var batmapHeader = new byte[Batmap.Size];
        batmap.Write(batmapHeader);
        var parts = new List<ReadOnlyMemory<byte>> { head };
        Repeat(parts, Ones, batmapOffset - header.TableOffset);
        parts.Add(batmapHeader);
        Repeat(parts, Zeroes, (long)batmap.MapSectors * VhdLimits.SectorSize);
        parts.Add(locatorData);
        parts.Add(head.AsMemory(0, Footer.Size));
        io.Write(0, parts);
        return new VhdImage(footer, header, new BlockTable((int)entries), end, true, true, [.. Enumerable.Range(0, header.ParentLocators.Length)]);
    }

    private static void Repeat(List<ReadOnlyMemory<byte>> parts, byte[] pattern, long length)
    {
        for (; length > 0; length -= pattern.Length)
            parts.Add(pattern.AsMemory(0, (int)Math.Min(length, pattern.Length)));
    }

    private static byte[] Encode(in Footer footer)
    {
        var bytes = new byte[Footer.Size];
        footer.Write(bytes);
        return bytes;
    }
}
