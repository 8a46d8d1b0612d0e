namespace XapiCompat.Disks.Vhd;

/// <summary>One's complement of the sum of all bytes, the checksum field itself taken as zero.</summary>
internal static class VhdChecksum
{
    public static uint Compute(ReadOnlySpan<byte> structure, int fieldOffset)
    {
        uint sum = 0;
        foreach (var value in structure)
            sum += value;
        foreach (var value in structure.Slice(fieldOffset, sizeof(uint)))
            sum -= value;
        return ~sum;
    }

    public static uint Compute(ReadOnlySpan<byte> content)
    {
        uint sum = 0;
        foreach (var value in content)
            sum += value;
        return ~sum;
    }
}
