using FluentAssertions;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class RandomStreamTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Random_disks_come_out_of_every_format_as_they_went_in()
    {
        var seed = 0;
        long moved = 0;
        foreach (var random in Runs.Each(300, 20_000, output, s => seed = s))
        {
            await using var disk = new MemoryDevice((Scaled(random, random.Next(4) == 0 ? 14_000 : 4_500) + 1) * 512);
            Scribble(random, disk);
            await using var copy = new MemoryDevice(disk.VirtualSize + random.Next(2) * 4096);
            moved += await SendFullAsync(random, disk, copy, seed);
            moved += await SendDifferenceAsync(random, disk, copy, seed);
            if (random.Next(4) == 0)
                moved += await SendRawAsync(random, disk, seed);
        }

        output.WriteLine($"{moved} bytes of streams");
    }

    private static async Task<long> SendFullAsync(Random random, MemoryDevice disk, MemoryDevice copy, int seed)
    {
        var stream = await BytesAsync(await FullPlanAsync(disk, Guid.NewGuid()), disk);
        (await DecodeAsync(random, new VhdStreamDecoder(), stream, copy)).Succeeded.Should().BeTrue($"seed {seed}");
        Same(disk, copy, seed);
        return stream.Length;
    }

    private static async Task<long> SendDifferenceAsync(Random random, MemoryDevice disk, MemoryDevice copy, int seed)
    {
        var changed = new List<Extent>();
        for (var offset = Scaled(random, disk.VirtualSize / 2); offset < disk.VirtualSize; offset += Scaled(random, disk.VirtualSize))
        {
            var length = Math.Min(1 + Scaled(random, 100_000), disk.VirtualSize - offset);
            if (random.Next(3) > 0)
                disk.Fill(offset, length, (byte)random.Next(4));
            changed.Add(new Extent(offset, length, random.Next(2) == 0 ? ExtentKind.Zero : ExtentKind.Data));
            offset += length;
        }

        var plan = VhdStreamPlan.Differential(disk.VirtualSize, Guid.NewGuid(), Guid.NewGuid(), "parent.vhd", changed);
        var stream = await BytesAsync(plan, disk);
        stream.Length.Should().Be((int)plan.Length, $"seed {seed}");
        (await DecodeAsync(random, new VhdStreamDecoder(), stream, copy)).Succeeded.Should().BeTrue($"seed {seed}");
        Same(disk, copy, seed);
        return stream.Length;
    }

    private static async Task<long> SendRawAsync(Random random, MemoryDevice disk, int seed)
    {
        var stream = await BytesAsync(new RawStreamPlan(disk.VirtualSize), disk);
        stream.AsSpan().SequenceEqual(disk.Content()).Should().BeTrue($"seed {seed}");
        await using var copy = new MemoryDevice(disk.VirtualSize);
        Scribble(random, copy);
        (await DecodeAsync(random, new RawStreamDecoder(), stream, copy)).Succeeded.Should().BeTrue($"seed {seed}");
        Same(disk, copy, seed);
        await using var framed = new MemoryDevice(disk.VirtualSize);
        (await DecodeAsync(random, new ChunkedFramingDecoder(), Frames(random, stream), framed)).Succeeded.Should().BeTrue($"seed {seed}");
        Same(disk, framed, seed);
        return stream.Length;
    }

    private static byte[] Frames(Random random, byte[] content)
    {
        var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        for (var offset = 0; offset < content.Length;)
        {
            var length = Math.Min(content.Length - offset, random.Next(1, 3 << 20));
            writer.Write((ulong)offset);
            writer.Write((uint)length);
            writer.Write(content, offset, length);
            offset += length;
        }

        writer.Write(new byte[12]);
        return stream.ToArray();
    }

    private static Task<DecodeResult> DecodeAsync(Random random, IStreamDecoder decoder, byte[] stream, MemoryDevice target)
    {
        // Without a length a raw stream must have the target's size, which it has in these programs.
        long? length = random.Next(2) == 0 ? stream.Length : null;
        return random.Next(5) == 0
            ? PiecewiseAsync(decoder, stream, target, length, () => random.Next(1, 300_000))
            : RunAsync(decoder, stream, target, length);
    }

    private static void Scribble(Random random, MemoryDevice disk)
    {
        for (var count = random.Next(12); count > 0; count--)
        {
            var offset = Scaled(random, disk.VirtualSize);
            var length = Math.Min(disk.VirtualSize - offset, 1 + Scaled(random, 200_000));
            var bytes = new byte[length];
            if (random.Next(3) > 0)
                random.NextBytes(bytes);
            disk.Write(offset, bytes);
        }

        if (random.Next(2) == 0)
            disk.Fill(disk.VirtualSize - 1, 1, 0xEE);
    }

    /// <summary>Small values as likely as large ones, and sector boundaries often.</summary>
    private static long Scaled(Random random, long limit)
    {
        var value = (long)(limit * Math.Pow(random.NextDouble(), 2));
        return random.Next(2) == 0 ? value : value / 512 * 512;
    }

    private static void Same(MemoryDevice disk, MemoryDevice copy, int seed)
    {
        var size = (int)disk.VirtualSize;
        copy.Content(0, size).AsSpan().SequenceEqual(disk.Content(0, size)).Should().BeTrue($"seed {seed}");
        copy.Content(size, (int)copy.VirtualSize - size).AllAre(0).Should().BeTrue($"seed {seed}");
    }
}
