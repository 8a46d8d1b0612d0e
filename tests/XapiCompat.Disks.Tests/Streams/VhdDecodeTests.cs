using FluentAssertions;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class VhdDecodeTests
{
    [Fact]
    public async Task Only_set_sectors_are_written_and_set_zeroes_overwrite()
    {
        var builder = new VhdBuilder { VirtualSize = 4 << 20 };
        var data = new byte[Block];
        data.AsSpan(0, 65536).Fill(1);
        data.AsSpan(1 << 20, 65536).Fill(2);
        var bitmap = new byte[512];
        SectorBitmap.Set(bitmap, 3, 5);
        SectorBitmap.Set(bitmap, 100, 20);
        SectorBitmap.Set(bitmap, 200, 64);
        SectorBitmap.Set(bitmap, 4095, 1);
        data.AsSpan(200 * 512, 32768).Clear();
        data[^1] = 9;
        await using var target = new MemoryDevice(4 << 20);
        target.Fill(0, 4 << 20, 0xCC);

        var result = await VhdAsync(builder.Block(1, bitmap, data).Build(), target);

        result.Succeeded.Should().BeTrue(result.Detail);
        result.BytesApplied.Should().Be((5 + 20 + 64 + 1) * 512);
        var expected = new byte[4 << 20];
        expected.AsSpan().Fill(0xCC);
        foreach (var (first, count) in new[] { (3, 5), (100, 20), (200, 64), (4095, 1) })
            data.AsSpan(first * 512, count * 512).CopyTo(expected.AsSpan(Block + first * 512));
        target.Content().AsSpan().SequenceEqual(expected).Should().BeTrue();
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    [InlineData(512 * 1024)]
    [InlineData(4 << 20)]
    [InlineData(64 << 20)]
    public async Task Any_sane_block_size_is_read(int blockSize)
    {
        var blocks = Math.Max(3, (1 << 20) / blockSize);
        var size = Math.Min(blocks * (long)blockSize, (72 << 20) + 512);
        var builder = new VhdBuilder { VirtualSize = size, BlockSize = blockSize };
        builder.Block(2, 2).Block(0, 1, gapBefore: 1024);
        if (blockSize == 64 << 20)
            (builder = new VhdBuilder { VirtualSize = size, BlockSize = blockSize }).Block(1, 2);
        await using var target = new MemoryDevice(size);

        var result = await VhdAsync(builder.Build(), target, knownLength: true);

        result.Succeeded.Should().BeTrue(result.Detail);
        if (blockSize == 64 << 20)
            target.Content(64 << 20, 512).AllAre(2).Should().BeTrue();
        else
            target.Content(0, 512).AllAre(1).Should().BeTrue();
    }

    [Fact]
    public async Task Structures_may_stand_anywhere_as_long_as_they_go_forward()
    {
        var builder = new VhdBuilder
        {
            HeaderOffset = 4096,
            TableOffset = 1 << 20,
            TableEntries = 20,
            GapBeforeFooter = 512 * 9,
            Type = VhdDiskType.Differencing,
            ParentId = Guid.NewGuid(),
            EditHeader = header =>
            {
                // Locators to places that must never be looked at.
                new ParentLocator(ParentLocator.MacX, 512, 20, 1536).Write(header.AsSpan(576));
                new ParentLocator(ParentLocator.W2ku, 512, 20, long.MaxValue).Write(header.AsSpan(600));
            },
        };
        builder.Block(3, 3, gapBefore: 512 * 77).Block(0, 7, gapBefore: 512);
        await using var target = new MemoryDevice(builder.VirtualSize);

        var result = await VhdAsync(builder.Build(), target);

        result.Succeeded.Should().BeTrue(result.Detail);
        target.Content(0, Block).AllAre(7).Should().BeTrue();
        target.Content(Block, 2 * Block).AllAre(0).Should().BeTrue();
        target.Content(3 * Block, Block).AllAre(3).Should().BeTrue();
    }

    [Fact]
    public async Task An_image_smaller_than_the_target_leaves_the_rest_untouched()
    {
        var builder = new VhdBuilder { VirtualSize = (3 << 20) + 512 };
        builder.Block(1, 1);
        await using var target = new MemoryDevice(8 << 20);
        target.Fill(0, 8 << 20, 0xCC);

        (await VhdAsync(builder.Build(), target)).Succeeded.Should().BeTrue();

        target.Content(Block, (1 << 20) + 512).AllAre(1).Should().BeTrue();
        target.Content((3 << 20) + 512, (5 << 20) - 512).AllAre(0xCC).Should().BeTrue();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task A_size_rounded_up_beyond_the_target_needs_zeroes_there(byte tail, bool accepted)
    {
        var builder = new VhdBuilder { VirtualSize = (8 << 20) + 6144 };
        var data = new byte[Block];
        data[6143] = tail;
        builder.Block(3, 1).Block(4, builder.FullBitmap(), data);
        await using var target = new MemoryDevice(8 << 20);

        var result = await VhdAsync(builder.Build(), target);

        result.Succeeded.Should().Be(accepted);
        result.Failure.Should().Be(accepted ? DecodeFailure.None : DecodeFailure.OutOfRange);
        target.Content(6 << 20, Block).AllAre(1).Should().BeTrue();
    }

    [Fact]
    public async Task Bytes_behind_the_closing_footer_belong_to_nobody_without_a_length_and_are_drained_with_one()
    {
        var stream = new VhdBuilder().Block(0, 1).Build();
        byte[] longer = [.. stream, .. new byte[1000]];
        await using var target = new MemoryDevice(8 << 20);

        var unknown = await RunAsync(new VhdStreamDecoder(), longer, target, null);
        var known = await RunAsync(new VhdStreamDecoder(), longer, target, longer.Length);
        var announcedMore = await RunAsync(new VhdStreamDecoder(), longer, target, longer.Length + 1);

        (unknown.Failure, unknown.BytesConsumed).Should().Be((DecodeFailure.None, stream.Length));
        (known.Failure, known.BytesConsumed).Should().Be((DecodeFailure.None, longer.Length));
        (announcedMore.Failure, announcedMore.BytesConsumed).Should().Be((DecodeFailure.UnexpectedEnd, longer.Length));
    }

    [Fact]
    public async Task Not_more_than_the_announced_length_is_taken()
    {
        var stream = new VhdBuilder().Block(0, 1).Build();
        byte[] longer = [.. stream, .. stream];
        await using var target = new MemoryDevice(8 << 20);

        var result = await RunAsync(new VhdStreamDecoder(), longer, target, stream.Length);

        (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.None, stream.Length));
    }

    [Fact]
    public async Task Every_truncation_at_a_sector_fails_as_an_early_end()
    {
        var builder = new VhdBuilder { VirtualSize = 64 << 10, BlockSize = 16 << 10, GapBeforeFooter = 512 };
        var stream = builder.Block(1, 1).Block(3, 3, gapBefore: 1024).Block(0, 2).Build();
        for (var length = 0; length < stream.Length; length += 512)
        {
            await using var target = new MemoryDevice(64 << 10);
            var cut = stream.AsMemory(0, length);
            (await RunAsync(new VhdStreamDecoder(), cut, target, null)).Failure.Should().Be(DecodeFailure.UnexpectedEnd, $"cut at {length}");
            (await RunAsync(new VhdStreamDecoder(), cut, target, stream.Length)).Failure.Should().Be(DecodeFailure.UnexpectedEnd, $"cut at {length}");
            (await RunAsync(new VhdStreamDecoder(), cut, target, length)).Succeeded.Should().BeFalse($"cut at {length}");
        }
    }

    [Fact]
    public async Task Every_truncation_at_a_byte_near_head_and_end_fails()
    {
        var stream = new VhdBuilder { VirtualSize = 64 << 10, BlockSize = 16 << 10 }.Block(1, 1).Block(3, 3).Build();
        var cuts = Enumerable.Range(0, 4096).Concat(Enumerable.Range(stream.Length - 4096, 4096));
        foreach (var length in cuts)
        {
            await using var target = new MemoryDevice(64 << 10);
            var result = await RunAsync(new VhdStreamDecoder(), stream.AsMemory(0, length), target, null);
            (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.UnexpectedEnd, length));
        }
    }

    [Fact]
    public async Task Every_chunking_of_a_stream_gives_the_same_result()
    {
        var builder = new VhdBuilder { VirtualSize = 64 << 10, BlockSize = 16 << 10, GapBeforeFooter = 512 };
        var stream = builder.Block(1, 1).Block(3, 3, gapBefore: 1024).Block(0, 2).Build();
        await using var expected = new MemoryDevice(64 << 10);
        var reference = await VhdAsync(stream, expected);
        foreach (var size in Enumerable.Range(1, 40).Concat([511, 512, 513, 1023, 1536, 4095, 4096, 4097, 16383, 16385, 40000, 65536]))
        {
            foreach (var known in new[] { false, true })
            {
                await using var target = new MemoryDevice(64 << 10);
                var result = await PiecewiseAsync(new VhdStreamDecoder(), stream, target, known ? stream.Length : null, () => size);
                result.Should().Be(reference, $"pieces of {size}");
                target.Content().AsSpan().SequenceEqual(expected.Content()).Should().BeTrue($"pieces of {size}");
            }
        }
    }

    [Fact]
    public async Task Progress_rises_to_one()
    {
        var stream = new VhdBuilder().Block(0, 1).Block(2, 1).Block(3, 1).Build();
        await using var target = new MemoryDevice(8 << 20);
        var seen = new List<double>();

        await new VhdStreamDecoder().RunAsync(System.IO.Pipelines.PipeReader.Create(new(stream)), target, null, seen.Add, default);

        seen.Should().BeInAscendingOrder().And.EndWith(1);
        seen.Count.Should().BeGreaterThan(3);
    }
}
