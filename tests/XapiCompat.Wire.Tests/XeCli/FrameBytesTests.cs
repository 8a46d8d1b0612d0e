using System.Buffers;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Each message byte for byte, both ways.</summary>
public sealed class FrameBytesTests
{
    public static TheoryData<XeMessage, string> Messages => new()
    {
        { new XeMessage.Print("hé"), "0f000000 09000000 00000000 03000000 'hé'" },
        { new XeMessage.Print(""), "0c000000 09000000 00000000 00000000" },
        { new XeMessage.Load("a.txt"), "11000000 09000000 01000000 05000000 'a.txt'" },
        { new XeMessage.Prompt(), "08000000 09000000 03000000" },
        { new XeMessage.Exit(0), "0c000000 09000000 04000000 00000000" },
        { new XeMessage.Exit(-2), "0c000000 09000000 04000000 feffffff" },
        { new XeMessage.HttpGet("", "/x?y"), "14000000 09000000 0c000000 00000000 04000000 '/x?y'" },
        { new XeMessage.HttpPut("f", "/x"), "13000000 09000000 0d000000 01000000 'f' 02000000 '/x'" },
        { new XeMessage.Error("CODE", ["a", ""]), "1d000000 09000000 0e000000 04000000 'CODE' 02000000 01000000 'a' 00000000" },
        { new XeMessage.Error("C", []), "11000000 09000000 0e000000 01000000 'C' 00000000" },
        { new XeMessage.Debug("d"), "0d000000 09000000 0f000000 01000000 'd'" },
        { new XeMessage.PrintStderr("e\n"), "0e000000 09000000 10000000 02000000 650a" },
        { new XeMessage.HttpConnect("/c"), "0e000000 09000000 11000000 02000000 '/c'" },
        { new XeMessage.Ok(), "08000000 0a000000 05000000" },
        { new XeMessage.Failed(), "08000000 0a000000 06000000" },
        { new XeMessage.Wait(), "08000000 0a000000 12000000" },
        { new XeMessage.Chunk(3), "0c000000 0b000000 07000000 03000000" },
        { new XeMessage.End(), "08000000 0b000000 08000000" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_these_bytes_and_is_read_from_them(XeMessage message, string hex)
    {
        var bytes = Frames.Bytes(hex);
        Frames.Encode(message).Should().Equal(bytes);
        foreach (var read in new[] { Frames.FromSequence(bytes), Frames.FromStream(bytes, pieces: 1) })
        {
            read.Should().BeOfType(message.GetType());
            Fields(read!).Should().BeEquivalentTo(Fields(message), options => options.WithStrictOrdering());
        }

        for (var cut = 0; cut < bytes.Length; cut++)
            Frames.FromSequence(bytes[..cut]).Should().BeNull("more bytes may come");
    }

    [Fact]
    public void The_table_above_has_every_message() =>
        Messages.Select(row => row[0].GetType()).Distinct().Should().BeEquivalentTo(typeof(XeMessage).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(XeMessage))));

    [Fact]
    public void The_greeting_is_these_bytes()
    {
        var output = new ArrayBufferWriter<byte>();
        XeGreeting.Current.Write(output);
        output.WrittenSpan.ToArray().Should().Equal(Frames.Bytes("'XenSource thin CLI protocol' 00000000 02000000"));
        output.WrittenCount.Should().Be(XeGreeting.Length);
    }

    [Fact]
    public void A_greeting_is_read_with_the_frames_behind_it()
    {
        var bytes = Frames.Bytes("'XenSource thin CLI protocol' 01000000 07000000 0c000000 09000000 04000000 05000000");
        var reader = new XeStreamReader(new PiecewiseStream(bytes, 3), XeFrameLimits.OfServers);
        reader.ReadGreeting().Should().Be(new XeGreeting(1, 7));
        reader.Read().Should().Be(new XeMessage.Exit(5));
        reader.Read().Should().BeNull();
    }

    [Fact]
    public void A_blob_is_read_between_frames()
    {
        var bytes = Frames.Bytes("0c000000 0b000000 07000000 03000000 'abc' 08000000 0b000000 08000000");
        var reader = new XeStreamReader(new MemoryStream(bytes), XeFrameLimits.OfClients);
        var blob = new byte[3];
        reader.Read().Should().Be(new XeMessage.Chunk(3));
        reader.ReadRaw(blob.AsSpan(0, 2)).Should().Be(2);
        reader.ReadRaw(blob.AsSpan(2)).Should().Be(1);
        blob.Should().Equal("abc"u8.ToArray());
        reader.Read().Should().Be(new XeMessage.End());
        reader.Read().Should().BeNull();
    }

    [Fact]
    public void Text_that_is_not_utf8_is_kept_as_far_as_it_goes() =>
        Frames.FromSequence(Frames.Bytes("0f000000 09000000 00000000 03000000 61ff62")).Should().Be(new XeMessage.Print("a\ufffdb"));

    private static object?[] Fields(XeMessage message) => [.. message.GetType().GetProperties().Select(property => property.GetValue(message))];
}
