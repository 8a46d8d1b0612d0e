using System.Buffers;
using System.Text;

namespace XapiCompat.Wire.XeCli;

/// <summary>Reads the payload of one frame: class, tag, fields, and nothing behind them.</summary>
internal ref struct XePayloadReader(ReadOnlySequence<byte> payload, XeFrameLimits limits)
{
    private SequenceReader<byte> _rest = new(payload);

    public XeMessage Read()
    {
        var kind = Int();
        var tag = Int();
        XeMessage message = (kind, tag) switch
        {
            (XeTag.Command, XeTag.Print) => new XeMessage.Print(Text()),
            (XeTag.Command, XeTag.Load) => new XeMessage.Load(Text()),
            (XeTag.Command, XeTag.Prompt) => new XeMessage.Prompt(),
            (XeTag.Command, XeTag.Exit) => new XeMessage.Exit(Int()),
            (XeTag.Command, XeTag.HttpGet) => new XeMessage.HttpGet(Text(), Text()),
            (XeTag.Command, XeTag.HttpPut) => new XeMessage.HttpPut(Text(), Text()),
            (XeTag.Command, XeTag.Error) => new XeMessage.Error(Text(), Texts()),
            (XeTag.Command, XeTag.Debug) => new XeMessage.Debug(Text()),
            (XeTag.Command, XeTag.PrintStderr) => new XeMessage.PrintStderr(Text()),
            (XeTag.Command, XeTag.HttpConnect) => new XeMessage.HttpConnect(Text()),
            (XeTag.Response, XeTag.Ok) => new XeMessage.Ok(),
            (XeTag.Response, XeTag.Failed) => new XeMessage.Failed(),
            (XeTag.Response, XeTag.Wait) => new XeMessage.Wait(),
            (XeTag.Blob, XeTag.Chunk) => new XeMessage.Chunk(Count()),
            (XeTag.Blob, XeTag.End) => new XeMessage.End(),
            _ => throw new XeFrameException(XeFrameError.UnknownMessage, $"no message has class {kind} and tag {tag}"),
        };
        if (!_rest.End)
            throw new XeFrameException(XeFrameError.TrailingBytes, $"{_rest.Remaining} bytes too many in a message of class {kind} and tag {tag}");
        return message;
    }

    private int Int() => _rest.TryReadLittleEndian(out int number) ? number : throw FieldTooLong();

    private int Count()
    {
        var count = Int();
        return count >= 0 ? count : throw new XeFrameException(XeFrameError.NegativeLength, $"a length of {count}");
    }

    private string Text()
    {
        var length = Count();
        return _rest.TryReadExact(length, out var bytes) ? Encoding.UTF8.GetString(in bytes) : throw FieldTooLong();
    }

    private string[] Texts()
    {
        var count = Count();
        if (count > limits.MaxListCount)
            throw new XeFrameException(XeFrameError.TooLong, $"a list of {count} items, at most {limits.MaxListCount} are accepted");
        // Each item has at least its length, so a count that cannot be true costs no memory.
        if (count > _rest.Remaining / sizeof(int))
            throw FieldTooLong();
        var texts = new string[count];
        for (var i = 0; i < count; i++)
            texts[i] = Text();
        return texts;
    }

    private static XeFrameException FieldTooLong() => new(XeFrameError.FieldTooLong, "a field reaches beyond its message");
}
