using System.Buffers;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Bytes that are no frame: one kind of error, at once, without memory for what was only announced.</summary>
public sealed class HostileFrameTests
{
    [Theory]
    [InlineData("ffffffff", XeFrameError.NegativeLength)]
    [InlineData("00000080", XeFrameError.NegativeLength)]
    [InlineData("ffffff7f", XeFrameError.TooLong)]
    [InlineData("01040000", XeFrameError.TooLong)]
    [InlineData("00000000", XeFrameError.FieldTooLong)]
    [InlineData("07000000 09000000 040000", XeFrameError.FieldTooLong)]
    [InlineData("08000000 09000000 04000000", XeFrameError.FieldTooLong)]
    [InlineData("0c000000 09000000 00000000 01000000", XeFrameError.FieldTooLong)]
    [InlineData("0c000000 09000000 00000000 ffffff7f", XeFrameError.FieldTooLong)]
    [InlineData("0c000000 09000000 00000000 ffffffff", XeFrameError.NegativeLength)]
    [InlineData("0c000000 0b000000 07000000 ffffffff", XeFrameError.NegativeLength)]
    [InlineData("10000000 09000000 0e000000 00000000 ffffffff", XeFrameError.NegativeLength)]
    [InlineData("10000000 09000000 0e000000 00000000 ffffff7f", XeFrameError.TooLong)]
    [InlineData("10000000 09000000 0e000000 00000000 10000000", XeFrameError.FieldTooLong)]
    [InlineData("08000000 09000000 02000000", XeFrameError.UnknownMessage)]
    [InlineData("08000000 09000000 0a000000", XeFrameError.UnknownMessage)]
    [InlineData("08000000 09000000 0b000000", XeFrameError.UnknownMessage)]
    [InlineData("08000000 09000000 05000000", XeFrameError.UnknownMessage)]
    [InlineData("08000000 0a000000 00000000", XeFrameError.UnknownMessage)]
    [InlineData("08000000 0c000000 00000000", XeFrameError.UnknownMessage)]
    [InlineData("09000000 0a000000 05000000 00", XeFrameError.TrailingBytes)]
    [InlineData("0d000000 0b000000 07000000 03000000 61", XeFrameError.TrailingBytes)]
    [InlineData("'HTTP/1.1 500 oops'", XeFrameError.TooLong)]
    public void What_is_no_frame_is_refused(string hex, XeFrameError error)
    {
        var bytes = Frames.Bytes(hex);
        var limits = new XeFrameLimits { MaxFrameLength = 1024, MaxListCount = 16 };
        var sequence = () => Frames.FromSequence(bytes, limits);
        var stream = () => Frames.FromStream(bytes, limits, pieces: 2);
        sequence.Should().Throw<XeFrameException>().Which.Error.Should().Be(error);
        stream.Should().Throw<XeFrameException>().Which.Error.Should().Be(error);
    }

    [Theory]
    [InlineData("0c0000")]
    [InlineData("0c000000 09000000 04000000 000000")]
    [InlineData("00000010 09000000 00000000")]
    public void An_end_inside_a_frame_is_refused(string hex)
    {
        var read = () => Frames.FromStream(Frames.Bytes(hex));
        read.Should().Throw<XeFrameException>().Which.Error.Should().Be(XeFrameError.Truncated);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request", XeFrameError.HttpAnswer)]
    [InlineData("HTTP", XeFrameError.HttpAnswer)]
    [InlineData("HTT", XeFrameError.Truncated)]
    [InlineData("Hello", XeFrameError.NoGreeting)]
    [InlineData("SSH-2.0-OpenSSH_9.2", XeFrameError.NoGreeting)]
    [InlineData("XenSource thin CLI protocoX", XeFrameError.NoGreeting)]
    [InlineData("XenSource thin", XeFrameError.Truncated)]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\0\0", XeFrameError.Truncated)]
    public void What_is_no_greeting_is_refused(string text, XeFrameError error)
    {
        var read = () => new XeStreamReader(new PiecewiseStream(Frames.Bytes($"'{text}'"), 1), XeFrameLimits.OfServers).ReadGreeting();
        read.Should().Throw<XeFrameException>().Which.Error.Should().Be(error);
    }

    [Fact]
    public void Nothing_instead_of_a_greeting_is_the_end() =>
        new XeStreamReader(new MemoryStream(), XeFrameLimits.OfServers).ReadGreeting().Should().BeNull();

    [Fact]
    public void An_announced_length_costs_no_memory()
    {
        var bytes = Frames.Bytes("00000010 09000000 00000000 f4ffff0f");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = () => Frames.FromStream(bytes);
        read.Should().Throw<XeFrameException>();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(4 << 20);
    }

    [Fact]
    public void A_frame_in_many_segments_is_one_message()
    {
        var bytes = Frames.Encode(new XeMessage.Error("CODE", ["one", "zwei", "trois é"]), new XeMessage.Exit(1));
        var buffer = Segments(bytes);
        XeFrameDecoder.TryRead(ref buffer, XeFrameLimits.OfServers).Should().BeOfType<XeMessage.Error>().Which.Parameters.Should().Equal("one", "zwei", "trois é");
        XeFrameDecoder.TryRead(ref buffer, XeFrameLimits.OfServers).Should().Be(new XeMessage.Exit(1));
        buffer.IsEmpty.Should().BeTrue();
    }

    private static ReadOnlySequence<byte> Segments(byte[] bytes)
    {
        Segment? first = null, last = null;
        for (var i = 0; i < bytes.Length; i++)
        {
            last = new Segment(bytes.AsMemory(i, 1), last);
            first ??= last;
        }

        return new(first!, 0, last!, 1);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
