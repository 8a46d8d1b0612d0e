using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace XapiCompat.Wire.XeCli;

/// <summary>Messages to bytes: the length of the payload, then class, tag and fields. Numbers are little-endian, text is UTF-8.</summary>
public static class XeFrameEncoder
{
    /// <summary>Appends one frame; the caller flushes.</summary>
    public static void Write(IBufferWriter<byte> output, XeMessage message)
    {
        var (kind, tag) = Head(message);
        var length = 2 * sizeof(int) + FieldsLength(message);
        var frame = output.GetSpan(sizeof(int) + length);
        var rest = frame;
        Put(ref rest, length);
        Put(ref rest, kind);
        Put(ref rest, tag);
        switch (message)
        {
            case XeMessage.Print(var text): Put(ref rest, text); break;
            case XeMessage.Debug(var text): Put(ref rest, text); break;
            case XeMessage.PrintStderr(var text): Put(ref rest, text); break;
            case XeMessage.Load(var name): Put(ref rest, name); break;
            case XeMessage.HttpConnect(var url): Put(ref rest, url); break;
            case XeMessage.Exit(var code): Put(ref rest, code); break;
            case XeMessage.Chunk(var count): Put(ref rest, count); break;
            case XeMessage.HttpGet(var name, var url): Put(ref rest, name); Put(ref rest, url); break;
            case XeMessage.HttpPut(var name, var url): Put(ref rest, name); Put(ref rest, url); break;
            case XeMessage.Error(var code, var parameters):
                Put(ref rest, code);
                Put(ref rest, parameters.Count);
                foreach (var parameter in parameters)
                    Put(ref rest, parameter);
                break;
        }

        output.Advance(sizeof(int) + length);
    }

    private static (int Kind, int Tag) Head(XeMessage message) => message switch
    {
        XeMessage.Print => (XeTag.Command, XeTag.Print),
        XeMessage.Load => (XeTag.Command, XeTag.Load),
        XeMessage.Prompt => (XeTag.Command, XeTag.Prompt),
        XeMessage.Exit => (XeTag.Command, XeTag.Exit),
        XeMessage.HttpGet => (XeTag.Command, XeTag.HttpGet),
        XeMessage.HttpPut => (XeTag.Command, XeTag.HttpPut),
        XeMessage.Error => (XeTag.Command, XeTag.Error),
        XeMessage.Debug => (XeTag.Command, XeTag.Debug),
        XeMessage.PrintStderr => (XeTag.Command, XeTag.PrintStderr),
        XeMessage.HttpConnect => (XeTag.Command, XeTag.HttpConnect),
        XeMessage.Ok => (XeTag.Response, XeTag.Ok),
        XeMessage.Failed => (XeTag.Response, XeTag.Failed),
        XeMessage.Wait => (XeTag.Response, XeTag.Wait),
        XeMessage.Chunk => (XeTag.Blob, XeTag.Chunk),
        XeMessage.End => (XeTag.Blob, XeTag.End),
        _ => throw new UnreachableException(),
    };

    private static int FieldsLength(XeMessage message) => message switch
    {
        XeMessage.Print(var text) => LengthOf(text),
        XeMessage.Debug(var text) => LengthOf(text),
        XeMessage.PrintStderr(var text) => LengthOf(text),
        XeMessage.Load(var name) => LengthOf(name),
        XeMessage.HttpConnect(var url) => LengthOf(url),
        XeMessage.Exit or XeMessage.Chunk => sizeof(int),
        XeMessage.HttpGet(var name, var url) => checked(LengthOf(name) + LengthOf(url)),
        XeMessage.HttpPut(var name, var url) => checked(LengthOf(name) + LengthOf(url)),
        XeMessage.Error(var code, var parameters) => parameters.Aggregate(LengthOf(code) + sizeof(int), (sum, parameter) => checked(sum + LengthOf(parameter))),
        _ => 0,
    };

    private static int LengthOf(string text) => sizeof(int) + Encoding.UTF8.GetByteCount(text);

    private static void Put(ref Span<byte> rest, int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, number);
        rest = rest[sizeof(int)..];
    }

    private static void Put(ref Span<byte> rest, string text)
    {
        var count = Encoding.UTF8.GetBytes(text, rest[sizeof(int)..]);
        BinaryPrimitives.WriteInt32LittleEndian(rest, count);
        rest = rest[(sizeof(int) + count)..];
    }
}
