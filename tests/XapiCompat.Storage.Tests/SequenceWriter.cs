using System.Buffers.Binary;
using FluentAssertions;

namespace XapiCompat.Storage.Tests;

/// <summary>
/// Writers that number their writes. Each owns a share of the sectors and goes through it over and over, so the content
/// of a disk tells which writes it has seen: with write n present, no earlier write of that writer may be missing.
/// </summary>
internal sealed class SequenceWriter(AttachedSr sr, string key, int sectors)
{
    public const int Lanes = 4;
    private readonly long[] _begun = new long[Lanes];
    private readonly long[] _acknowledged = new long[Lanes];
    private volatile bool _stop;

    public long[] Begun() => [.. Enumerable.Range(0, Lanes).Select(lane => Volatile.Read(ref _begun[lane]))];

    public long[] Acknowledged() => [.. Enumerable.Range(0, Lanes).Select(lane => Volatile.Read(ref _acknowledged[lane]))];

    public void Stop() => _stop = true;

    public Task RunAsync(int lanes) => Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => Task.Run(() => WriteAsync(lane))));

    public static void Verify(byte[] disk, int sectors, long[] acknowledged, long[] begun)
    {
        var share = sectors / Lanes;
        for (var lane = 0; lane < Lanes; lane++)
        {
            var latest = 0L;
            for (var index = 0; index < share; index++)
                latest = Math.Max(latest, NumberAt(disk, lane, share, index));
            latest.Should().BeInRange(acknowledged[lane], begun[lane]);
            for (var index = 0; index < share; index++)
            {
                // The last write up to `latest` that went to this place; 0 = none yet.
                var expected = latest - Modulo(latest - 1 - index, share);
                NumberAt(disk, lane, share, index).Should().Be(Math.Max(0, expected), "lane {0} sector {1} at {2}", lane, index, latest);
            }
        }
    }

    private async Task WriteAsync(int lane)
    {
        await using var device = await sr.OpenAsync(key, DatapathMode.ReadWrite, default);
        var share = sectors / Lanes;
        var sector = new byte[512];
        for (var number = 1L; !_stop; number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(sector, number);
            BinaryPrimitives.WriteInt64LittleEndian(sector.AsSpan(504), number);
            Volatile.Write(ref _begun[lane], number);
            await device.WriteAsync(OffsetOf(lane, share, (int)Modulo(number - 1, share)), sector);
            Volatile.Write(ref _acknowledged[lane], number);
            if (number % 64 == 0)
                await Task.Yield();
        }
    }

    private static long NumberAt(byte[] disk, int lane, int share, int index)
    {
        var sector = disk.AsSpan((int)OffsetOf(lane, share, index), 512);
        var number = BinaryPrimitives.ReadInt64LittleEndian(sector);
        BinaryPrimitives.ReadInt64LittleEndian(sector[504..]).Should().Be(number);
        return number;
    }

    // Neighbouring numbers land in different blocks, and every lane in every block.
    private static long OffsetOf(int lane, int share, int index)
    {
        var place = (int)((long)index * 769 % share);
        return ((long)place * Lanes + lane) * 512;
    }

    private static long Modulo(long value, long by) => (value % by + by) % by;
}
