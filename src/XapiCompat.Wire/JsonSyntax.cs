using System.Buffers;
using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>JSON with only the escapes that JSON requires.</summary>
internal sealed class JsonSyntax : WireSyntax
{
    private static readonly SearchValues<char> Specials = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(c => (char)c), '"', '\\']);

    private static readonly byte[][] ControlEscapes =
        [.. Enumerable.Range(0, 32).Select(c => System.Text.Encoding.ASCII.GetBytes(c switch
        {
            8 => "\\b",
            9 => "\\t",
            10 => "\\n",
            12 => "\\f",
            13 => "\\r",
            _ => "\\u" + c.ToString("x4", CultureInfo.InvariantCulture),
        }))];

    private static readonly TextEscaper.Replacement Replace = Replacement;

    private JsonSyntax()
    {
        Plain = SearchValues.Create([.. Enumerable.Range(0, 128).Select(c => (char)c).Where(c => !Specials.Contains(c))]);
        var quote = "\""u8.ToArray();
        StringOpen = StringClose = DateOpen = DateClose = FirstNameOpen = quote;
        True = "true"u8.ToArray();
        False = "false"u8.ToArray();
        Nil = "null"u8.ToArray();
        ArrayOpen = "["u8.ToArray();
        ItemSeparator = ","u8.ToArray();
        ArrayClose = "]"u8.ToArray();
        StructOpen = "{"u8.ToArray();
        NextNameOpen = ",\""u8.ToArray();
        NameClose = "\":"u8.ToArray();
        StructClose = EmptyStructClose = "}"u8.ToArray();
    }

    public static JsonSyntax Instance { get; } = new();

    public override byte[]? GetFragment(XenStruct record) => record.JsonFragment;

    public override void SetFragment(XenStruct record, byte[]? fragment) => record.JsonFragment = fragment;

    public override int GetLength(XenStruct record) => record.JsonLength;

    public override void SetLength(XenStruct record, int bytes) => record.JsonLength = bytes;

    /// <summary>
    /// The shortest form that reads back as the same number, always with a point or exponent so that typed clients see a
    /// float. JSON has no word for NaN and the infinities: they are null.
    /// </summary>
    public override int Format(double number, Span<byte> output)
    {
        if (!double.IsFinite(number))
        {
            Nil.CopyTo(output);
            return Nil.Length;
        }

        number.TryFormat(output, out var written, default, CultureInfo.InvariantCulture);
        if (!output[..written].ContainsAny(".E"u8))
        {
            ".0"u8.CopyTo(output[written..]);
            written += 2;
        }

        return written;
    }

    public override bool Escape(ReadOnlySpan<char> text, Span<byte> output, out int read, out int written) =>
        TextEscaper.Escape(text, output, Specials, Replace, out read, out written);

    private static ReadOnlySpan<byte> Replacement(char special) => special switch
    {
        '"' => "\\\""u8,
        '\\' => "\\\\"u8,
        _ => ControlEscapes[special],
    };
}
