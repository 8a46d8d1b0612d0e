using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>
/// Broken streams: the outcome is always a result, memory stays small, nothing outside the target is touched (the device
/// throws), and what succeeds agrees with a reader of its own that jumps about in the file.
/// </summary>
public sealed class MutatedStreamTests(ITestOutputHelper output)
{
    private const int TargetSize = 128 << 10;

    [Fact]
    public async Task Mutated_streams_end_in_typed_results()
    {
        var seed = 0;
        var outcomes = new SortedDictionary<string, int>();
        long largest = 0;
        foreach (var random in Runs.Each(2_000, 50_000, output, s => seed = s))
        {
            var stream = Mutated(random);
            long? length = random.Next(3) switch { 0 => null, 1 => stream.Length, _ => Math.Max(0, stream.Length + random.Next(-2000, 2000)) };
            await using var target = new MemoryDevice(TargetSize - random.Next(3) * 4096);
            target.Fill(0, target.VirtualSize, 0xCC);
            var before = GC.GetAllocatedBytesForCurrentThread();

            var result = await RunAsync(new VhdStreamDecoder(), stream, target, length);

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - before);
            var key = result.FormatError?.ToString() ?? result.Failure.ToString();
            outcomes[key] = outcomes.GetValueOrDefault(key) + 1;
            result.BytesConsumed.Should().BeInRange(0, stream.Length, $"seed {seed}");
            (result.FormatError is not null).Should().Be(result.Failure == DecodeFailure.Malformed, $"seed {seed}");
            if (result.Succeeded)
                target.Content().AsSpan().SequenceEqual(Judge(stream, (int)target.VirtualSize)).Should().BeTrue($"seed {seed}");
        }

        output.WriteLine($"largest allocation {largest} bytes; " + string.Join(", ", outcomes.Select(pair => $"{pair.Key} {pair.Value}")));
        largest.Should().BeLessThan(16 << 20);
        outcomes.Should().ContainKey("None").And.ContainKey("UnexpectedEnd").And.ContainKey("BlockOverlapsBlock");
    }

    private static byte[] Mutated(Random random)
    {
        var builder = new VhdBuilder
        {
            VirtualSize = TargetSize - random.Next(2) * 512 * random.Next(1, 100),
            BlockSize = 1 << random.Next(12, 18),
            GapBeforeFooter = random.Next(4) == 0 ? 512 * random.Next(1, 5) : 0,
            Type = random.Next(2) == 0 ? VhdDiskType.Dynamic : VhdDiskType.Differencing,
            ParentId = Guid.NewGuid(),
        };
        var blocks = Enumerable.Range(0, (int)((builder.VirtualSize + builder.BlockSize - 1) / builder.BlockSize)).ToArray();
        random.Shuffle(blocks);
        foreach (var block in blocks.Take(random.Next(blocks.Length + 1)))
        {
            var bitmap = builder.FullBitmap();
            if (random.Next(2) == 0)
                random.NextBytes(bitmap);
            var data = new byte[builder.BlockSize];
            if (random.Next(4) > 0)
                random.NextBytes(data);
            builder.Block((uint)block, bitmap, data, random.Next(5) == 0 ? 512 : 0);
        }

        var stream = builder.Build();
        for (var count = random.Next(6); count > 0; count--)
            Mutate(random, stream, blocks.Length);
        return random.Next(8) == 0 ? stream[..random.Next(stream.Length)] : stream;
    }

    private static void Mutate(Random random, byte[] stream, int blocks)
    {
        switch (random.Next(6))
        {
            case 0:
                Garble(random, stream.AsSpan(0, 84));
                VhdBuilder.Seal(stream.AsSpan(0, 512), 64);
                break;
            case 1:
                Garble(random, stream.AsSpan(512, 64));
                VhdBuilder.Seal(stream.AsSpan(512, 1024), 36);
                break;
            case 2:
                Garble(random, stream.AsSpan(1536, blocks * 4));
                break;
            case 3:
                var sector = random.Next(3) == 0 ? random.Next() : random.Next(stream.Length / 512);
                BinaryPrimitives.WriteInt32BigEndian(stream.AsSpan(1536 + random.Next(blocks) * 4), sector);
                break;
            case 4:
                Garble(random, stream);
                break;
            default:
                Garble(random, stream.AsSpan(^512..));
                if (random.Next(2) == 0)
                    VhdBuilder.Seal(stream.AsSpan(^512..), 64);
                break;
        }
    }

    private static void Garble(Random random, Span<byte> bytes)
    {
        var place = random.Next(bytes.Length);
        bytes[place] = random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)(bytes[place] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
    }

    /// <summary>A second reader of the format, by position and bit after bit.</summary>
    private static byte[] Judge(byte[] stream, int targetSize)
    {
        var disk = new byte[targetSize];
        disk.AsSpan().Fill(0xCC);
        var size = BinaryPrimitives.ReadInt64BigEndian(stream.AsSpan(48));
        var header = (int)BinaryPrimitives.ReadInt64BigEndian(stream.AsSpan(16));
        var table = (int)BinaryPrimitives.ReadInt64BigEndian(stream.AsSpan(header + 16));
        var blockSize = BinaryPrimitives.ReadInt32BigEndian(stream.AsSpan(header + 32));
        var bitmapSize = (int)Math.Ceiling(Math.Ceiling(blockSize / 4096.0) / 512) * 512;
        for (long offset = 0; offset < Math.Min(size, targetSize); offset += 512)
        {
            var block = BinaryPrimitives.ReadUInt32BigEndian(stream.AsSpan((int)(table + offset / blockSize * 4)));
            var sector = (int)(offset % blockSize / 512);
            var start = (int)(block * 512L);
            if (block != uint.MaxValue && ((stream[start + sector / 8] << sector % 8) & 0x80) != 0)
                stream.AsSpan(start + bitmapSize + sector * 512, 512).CopyTo(disk.AsSpan((int)offset));
        }

        return disk;
    }
}
