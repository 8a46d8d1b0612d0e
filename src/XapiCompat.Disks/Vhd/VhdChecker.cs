using System.Buffers;

namespace XapiCompat.Disks.Vhd;

/// <summary>Looks over one file, its parents left out.</summary>
public static class VhdChecker
{
    private const int MaxFindings = 1000;

    /// <summary>
    /// All problems found, those that keep the file from being opened and those that do not; empty = none. The list ends
    /// after 1000 entries.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyList<VhdFinding> Check(string path, FileLayer? files = null)
    {
        using var io = VhdIo.Open(path, VhdAccess.Read, files);
        var findings = new List<VhdFinding>();
        var image = new VhdInspector(io, Report).Inspect();
        if (image is { Header: { } header } && image.Footer.CreatorApplication == Footer.TapCreator)
            CheckBatmap(io, header, image.Table, Report);
        return findings;

        void Report(VhdFinding finding)
        {
            if (findings.Count < MaxFindings)
                findings.Add(finding);
        }
    }

    private static void CheckBatmap(VhdIo io, in DynamicHeader header, BlockTable table, Action<VhdFinding> report)
    {
        var offset = VhdInspector.BatmapOffset(header);
        var length = io.Length;
        var bytes = new byte[Batmap.Size];
        if (offset > length - Batmap.Size)
            return;
        io.Read(offset, bytes);
        if (!Batmap.TryRead(bytes, out var batmap, out _))
            return;
        var mapBytes = (long)batmap.MapSectors * VhdLimits.SectorSize;
        if (mapBytes * 8 < header.MaxTableEntries)
        {
            report(new VhdFinding(VhdFormatError.BatmapRange, offset, "the batmap is too short for the BAT", false));
            return;
        }

        mapBytes = Math.Min(mapBytes, VhdLimits.RoundUp((header.MaxTableEntries + 7) / 8, VhdLimits.SectorSize));
        if (batmap.MapOffset < 0 || batmap.MapOffset > length - mapBytes)
            return;
        var map = ArrayPool<byte>.Shared.Rent((int)mapBytes);
        try
        {
            io.Read(batmap.MapOffset, map.AsSpan(0, (int)mapBytes));
            CheckMap(map.AsSpan(0, (int)mapBytes), batmap, header, table, offset, report);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(map);
        }
    }

    private static void CheckMap(
        ReadOnlySpan<byte> map, in Batmap batmap, in DynamicHeader header, BlockTable table, long offset, Action<VhdFinding> report)
    {
        if (Batmap.ComputeMapChecksum(map) != batmap.MapChecksum)
            report(new VhdFinding(VhdFormatError.BatmapChecksum, offset, "batmap checksum", false));
        for (var block = 0; block < header.MaxTableEntries; block++)
        {
            if (SectorBitmap.IsSet(map, block) && table[block] == VhdLimits.UnusedBatEntry)
            {
                report(new VhdFinding(
                    VhdFormatError.BatmapRange, batmap.MapOffset + block / 8, "the batmap calls block " + block + " full, which is not stored", false));
                return;
            }
        }
    }
}
