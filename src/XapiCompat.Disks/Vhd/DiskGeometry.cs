namespace XapiCompat.Disks.Vhd;

/// <summary>Cylinders, heads and sectors per track as the footer shows them; 4 bytes.</summary>
public readonly record struct DiskGeometry(ushort Cylinders, byte Heads, byte SectorsPerTrack)
{
    private const long MaxSectors = 65535L * 16 * 255;

    /// <summary>Bytes that the geometry addresses: at most the virtual size, often a little less.</summary>
    public long ByteSize => (long)Cylinders * Heads * SectorsPerTrack * VhdLimits.SectorSize;

    /// <summary>The geometry that the VHD specification's algorithm gives to a size in bytes.</summary>
    public static DiskGeometry FromSize(long virtualSize)
    {
        var sectors = Math.Min(virtualSize / VhdLimits.SectorSize, MaxSectors);
        long perTrack = 17, tracks = sectors / 17, heads = Math.Max((tracks + 1023) / 1024, 4);
        if (sectors >= 65535L * 16 * 63)
        {
            (perTrack, heads) = (255, 16);
        }
        else
        {
            if (tracks >= heads * 1024 || heads > 16)
                (perTrack, heads, tracks) = (31, 16, sectors / 31);
            if (tracks >= heads * 1024)
                (perTrack, heads) = (63, 16);
        }

        return new DiskGeometry((ushort)(sectors / perTrack / heads), (byte)heads, (byte)perTrack);
    }
}
