using System.Buffers;
using System.Buffers.Binary;

namespace XapiCompat.Wire.XeCli;

/// <summary>What each side says first: a fixed text and the version of the protocol. The server begins.</summary>
public readonly record struct XeGreeting(int Major, int Minor)
{
    /// <summary>Bytes of a greeting.</summary>
    public const int Length = 35;

    /// <summary>The first minor version whose servers take <see cref="XeMessage.Wait"/>.</summary>
    public const int MinorWithWait = 2;

    private const int TextLength = Length - 2 * sizeof(int);

    /// <summary>The version that this project speaks.</summary>
    public static XeGreeting Current { get; } = new(0, 2);

    /// <summary>The fixed text.</summary>
    public static ReadOnlySpan<byte> Text => "XenSource thin CLI protocol"u8;

    public void Write(IBufferWriter<byte> output)
    {
        var bytes = output.GetSpan(Length);
        Text.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[TextLength..], Major);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[(TextLength + sizeof(int))..], Minor);
        output.Advance(Length);
    }

    /// <summary>Takes a greeting off the front of the buffer; false when more bytes are needed. What cannot become one is refused at its first wrong byte.</summary>
    /// <exception cref="XeFrameException">Something else stands there.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out XeGreeting greeting)
    {
        Span<byte> bytes = stackalloc byte[Length];
        var available = (int)Math.Min(Length, buffer.Length);
        buffer.Slice(0, available).CopyTo(bytes);
        var found = TryRead(bytes[..available], out greeting);
        if (found)
            buffer = buffer.Slice(Length);
        return found;
    }

    /// <summary>Reads a greeting from the first bytes; false when more are needed.</summary>
    /// <exception cref="XeFrameException">Something else stands there.</exception>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out XeGreeting greeting)
    {
        greeting = default;
        var text = bytes[..Math.Min(bytes.Length, TextLength)];
        if (!Text.StartsWith(text))
        {
            var http = "HTTP"u8;
            var sure = text.Length >= http.Length;
            if (sure ? text.StartsWith(http) : http.StartsWith(text))
                return sure ? throw new XeFrameException(XeFrameError.HttpAnswer, "the server answered in HTTP") : false;
            throw new XeFrameException(XeFrameError.NoGreeting, "the other side does not speak the protocol of xe");
        }

        if (bytes.Length < Length)
            return false;
        greeting = new(BinaryPrimitives.ReadInt32LittleEndian(bytes[TextLength..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[(TextLength + sizeof(int))..]));
        return true;
    }
}
