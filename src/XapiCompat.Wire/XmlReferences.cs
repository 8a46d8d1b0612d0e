using System.Globalization;
using System.Text;

namespace XapiCompat.Wire;

/// <summary>The five predefined entities and character references.</summary>
internal static class XmlReferences
{
    /// <summary>Writes what <c>&amp;name;</c> stands for as UTF-8 (at most 4 bytes) and returns its length.</summary>
    public static int Resolve(ReadOnlySpan<byte> name, Span<byte> utf8)
    {
        if (name.Length > 1 && name[0] == '#')
            return Number(name[1..], utf8);

        utf8[0] = name switch
        {
            [(byte)'l', (byte)'t'] => (byte)'<',
            [(byte)'g', (byte)'t'] => (byte)'>',
            _ when name.SequenceEqual("amp"u8) => (byte)'&',
            _ when name.SequenceEqual("quot"u8) => (byte)'"',
            _ when name.SequenceEqual("apos"u8) => (byte)'\'',
            _ => throw Unknown(),
        };
        return 1;
    }

    private static int Number(ReadOnlySpan<byte> digits, Span<byte> utf8)
    {
        var style = NumberStyles.None;
        if (digits[0] == 'x')
        {
            digits = digits[1..];
            style = NumberStyles.AllowHexSpecifier;
        }

        if (!uint.TryParse(digits, style, CultureInfo.InvariantCulture, out var code) || !IsXmlCharacter(code))
            throw Unknown();
        return new Rune(code).EncodeToUtf8(utf8);
    }

    private static bool IsXmlCharacter(uint code) =>
        code is 9 or 10 or 13 or >= 0x20 and < 0xD800 or >= 0xE000 and < 0xFFFE or >= 0x10000 and <= 0x10FFFF;

    private static RpcReadException Unknown() => new(RpcReadError.Malformed, "An unknown entity.");
}
