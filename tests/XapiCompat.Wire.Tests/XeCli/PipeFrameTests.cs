using System.IO.Pipelines;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Reading from a pipe takes whole messages and leaves what stands behind them.</summary>
public sealed class PipeFrameTests
{
    private readonly Pipe _pipe = new();

    [Fact]
    public async Task Greeting_frames_and_blob_are_read_one_by_one()
    {
        await Send("'XenSource thin CLI protocol' 00000000 02000000 0c000000 0b000000 07000000 03000000 'abc' 08000000 0b000000 08000000");
        (await XeFrameDecoder.ReadGreetingAsync(_pipe.Reader, default)).Should().Be(XeGreeting.Current);
        (await Read()).Should().Be(new XeMessage.Chunk(3));
        var raw = await _pipe.Reader.ReadAtLeastAsync(3);
        raw.Buffer.FirstSpan[..3].ToArray().Should().Equal("abc"u8.ToArray());
        _pipe.Reader.AdvanceTo(raw.Buffer.GetPosition(3));
        (await Read()).Should().Be(new XeMessage.End());
        await _pipe.Writer.CompleteAsync();
        (await Read()).Should().BeNull();
    }

    [Fact]
    public async Task A_message_that_comes_in_pieces_is_waited_for()
    {
        var read = Read().AsTask();
        foreach (var value in Frames.Encode(new XeMessage.Ok()))
        {
            read.IsCompleted.Should().BeFalse();
            await _pipe.Writer.WriteAsync(new[] { value });
        }

        (await read.WaitAsync(TimeSpan.FromSeconds(60))).Should().Be(new XeMessage.Ok());
    }

    [Fact]
    public async Task An_end_inside_a_message_and_garbage_are_refused()
    {
        await Send("0800");
        await _pipe.Writer.CompleteAsync();
        var truncated = async () => await Read();
        (await truncated.Should().ThrowAsync<XeFrameException>()).Which.Error.Should().Be(XeFrameError.Truncated);

        var other = new Pipe();
        await other.Writer.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        var garbage = async () => await XeFrameDecoder.ReadAsync(other.Reader, XeFrameLimits.OfClients, default);
        (await garbage.Should().ThrowAsync<XeFrameException>()).Which.Error.Should().Be(XeFrameError.TooLong);
        var greeting = async () => await XeFrameDecoder.ReadGreetingAsync(other.Reader, default);
        await other.Writer.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        (await greeting.Should().ThrowAsync<XeFrameException>()).Which.Error.Should().Be(XeFrameError.NoGreeting);
    }

    [Fact]
    public async Task A_message_longer_than_the_pipe_likes_to_hold_is_read()
    {
        var text = new string('x', 300_000);
        var write = _pipe.Writer.WriteAsync(Frames.Encode(new XeMessage.Print(text))).AsTask();
        (await XeFrameDecoder.ReadAsync(_pipe.Reader, XeFrameLimits.OfServers, default)).Should().Be(new XeMessage.Print(text));
        await write.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private ValueTask<XeMessage?> Read() => XeFrameDecoder.ReadAsync(_pipe.Reader, XeFrameLimits.OfClients, default);

    private async Task Send(string hex) => await _pipe.Writer.WriteAsync(Frames.Bytes(hex));
}
