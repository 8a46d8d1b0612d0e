using System.Buffers.Binary;
using System.Text;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Reads the data of an option; whatever does not fit is refused as invalid.</summary>
internal ref struct OptionReader(ReadOnlySpan<byte> data)
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = data;

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    /// <summary>A length and as many bytes.</summary>
    public string ReadString()
    {
        var length = ReadUInt32();
        if (length > NbdLimits.LongestString)
            throw new NbdRefusal(NbdOptionReply.ErrTooBig, "the name is too long");
        return Text(Take((int)length));
    }

    public readonly void AssertEnd()
    {
        if (_rest.Length > 0)
            throw Malformed();
    }

    public static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new NbdRefusal(NbdOptionReply.ErrInvalid, "the name is no UTF-8");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw Malformed();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static NbdRefusal Malformed() => new(NbdOptionReply.ErrInvalid, "the option's data has a wrong length");
}
