using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class ChunkedFramingTests
{
    private static readonly byte[] End = new byte[12];

    [Fact]
    public async Task The_documented_example_is_read()
    {
        var stream = Convert.FromHexString("0010000000000000" + "04000000" + "41424344" + "000000000000000000000000");
        await using var target = new MemoryDevice(8192);

        var result = await RunAsync(new ChunkedFramingDecoder(), stream, target, null);

        result.Should().Be(new DecodeResult(DecodeFailure.None, null, "", 28, 4));
        target.Content(0x1000, 5).Should().Equal("ABCD\0"u8.ToArray());
    }

    [Fact]
    public async Task Frames_come_in_any_order_overwrite_and_leave_gaps()
    {
        byte[] stream = [.. Frame(4000, 1000, 1), .. Frame(0, 10, 2), .. Frame(4500, 1000, 3), .. Frame(7, 0, 0), .. End, .. "next"u8];
        await using var target = new MemoryDevice(8192);
        target.Fill(0, 8192, 0xCC);

        var result = await RunAsync(new ChunkedFramingDecoder(), stream, target, null);

        (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.None, stream.Length - 4));
        var expected = new byte[8192];
        expected.AsSpan().Fill(0xCC);
        expected.AsSpan(4000, 500).Fill(1);
        expected.AsSpan(0, 10).Fill(2);
        expected.AsSpan(4500, 1000).Fill(3);
        target.Content().Should().Equal(expected);
    }

    [Theory]
    [InlineData(8192, 1)]
    [InlineData(8191, 2)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(1UL << 63, 0)]
    [InlineData(0, uint.MaxValue)]
    public async Task A_frame_outside_the_disk_is_refused_before_its_data(ulong offset, uint length)
    {
        var header = new byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(header, offset);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), length);
        byte[] stream = [.. Frame(0, 512, 1), .. header, .. new byte[5000]];
        await using var target = new MemoryDevice(8192);

        var result = await RunAsync(new ChunkedFramingDecoder(), stream, target, null);

        (result.Failure, result.BytesApplied).Should().Be((DecodeFailure.OutOfRange, 512));
    }

    [Fact]
    public async Task Every_truncation_is_an_early_end()
    {
        byte[] stream = [.. Frame(512, 600, 1), .. Frame(5000, 40, 2), .. End];
        for (var length = 0; length < stream.Length; length++)
        {
            await using var target = new MemoryDevice(8192);
            (await RunAsync(new ChunkedFramingDecoder(), stream.AsMemory(0, length), target, null)).Failure.Should().Be(DecodeFailure.UnexpectedEnd);
            (await RunAsync(new ChunkedFramingDecoder(), stream, target, length)).Failure.Should().Be(DecodeFailure.UnexpectedEnd);
        }
    }

    [Fact]
    public async Task An_announced_length_must_arrive_even_behind_the_closing_frame()
    {
        byte[] stream = [.. Frame(0, 10, 1), .. End, 1, 2, 3];
        await using var target = new MemoryDevice(8192);

        (await RunAsync(new ChunkedFramingDecoder(), stream, target, stream.Length)).BytesConsumed.Should().Be(stream.Length);
        (await RunAsync(new ChunkedFramingDecoder(), stream, target, stream.Length + 1)).Failure.Should().Be(DecodeFailure.UnexpectedEnd);
    }

    [Fact]
    public async Task Every_chunking_gives_the_same_disk()
    {
        byte[] stream = [.. Frame(512, 600, 1), .. Frame(5000, 40, 2), .. End];
        for (var size = 1; size < 100; size++)
        {
            await using var target = new MemoryDevice(8192);
            (await PiecewiseAsync(new ChunkedFramingDecoder(), stream, target, null, () => size)).BytesApplied.Should().Be(640);
            target.Content(5000, 41).Should().Equal([.. Enumerable.Repeat((byte)2, 40), 0]);
        }
    }

    private static byte[] Frame(ulong offset, int length, byte value)
    {
        var frame = new byte[12 + length];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, offset);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(8), length);
        frame.AsSpan(12).Fill(value);
        return frame;
    }
}
