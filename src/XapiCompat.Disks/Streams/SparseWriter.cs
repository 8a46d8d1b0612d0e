namespace XapiCompat.Disks.Streams;

/// <summary>
/// Writes bytes to a device with runs of zeroes as such, so that the device stays sparse; old data under a
/// run of zeroes is overwritten all the same.
/// </summary>
internal static class SparseWriter
{
    /// <summary>
    /// The grain at which zeroes are looked for; grains start at multiples of it on the device. Smaller runs of zeroes cost more
    /// as calls of their own than as part of the data around them.
    /// </summary>
    private const int Grain = 64 * 1024;

    public static async ValueTask WriteAsync(IBlockDevice target, long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var run = NextRun(offset, bytes.Span, out var zero);
            if (zero)
                await target.ZeroAsync(offset, run, cancellationToken);
            else
                await target.WriteAsync(offset, bytes[..run], cancellationToken);
            offset += run;
            bytes = bytes[run..];
        }
    }

    /// <summary>Length of the first run of grains of one kind.</summary>
    private static int NextRun(long offset, ReadOnlySpan<byte> bytes, out bool zero)
    {
        var end = Math.Min(bytes.Length, Grain - (int)(offset % Grain));
        zero = IsZero(bytes[..end]);
        while (end < bytes.Length)
        {
            var next = Math.Min(bytes.Length, end + Grain);
            if (IsZero(bytes[end..next]) != zero)
                break;
            end = next;
        }

        return end;
    }

    public static bool IsZero(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept((byte)0);
}
