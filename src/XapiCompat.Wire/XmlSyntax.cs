using System.Buffers;
using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>XML-RPC without a single blank between tags: some clients' parsers fail on any.</summary>
internal sealed class XmlSyntax : WireSyntax
{
    private static readonly SearchValues<char> Specials = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(c => c is not (9 or 10 or 13)).Select(c => (char)c), '<', '>', '&', '"']);

    private static readonly TextEscaper.Replacement Replace = Replacement;

    private XmlSyntax()
    {
        Plain = SearchValues.Create([.. Enumerable.Range(0, 128).Select(c => (char)c).Where(c => !Specials.Contains(c))]);
        var open = "<value>"u8.ToArray();
        var close = "</value>"u8.ToArray();
        StringOpen = IntOpen = FragmentOpen = open;
        StringClose = IntClose = FragmentClose = close;
        DateOpen = "<value><dateTime.iso8601>"u8.ToArray();
        DateClose = "</dateTime.iso8601></value>"u8.ToArray();
        Int32Open = "<value><i4>"u8.ToArray();
        Int32Close = "</i4></value>"u8.ToArray();
        DoubleOpen = "<value><double>"u8.ToArray();
        DoubleClose = "</double></value>"u8.ToArray();
        True = "<value><boolean>1</boolean></value>"u8.ToArray();
        False = "<value><boolean>0</boolean></value>"u8.ToArray();
        Nil = "<value><nil/></value>"u8.ToArray();
        ArrayOpen = "<value><array><data>"u8.ToArray();
        ArrayClose = "</data></array></value>"u8.ToArray();
        StructOpen = "<value><struct>"u8.ToArray();
        FirstNameOpen = "<member><name>"u8.ToArray();
        NextNameOpen = "</member><member><name>"u8.ToArray();
        NameClose = "</name>"u8.ToArray();
        StructClose = "</member></struct></value>"u8.ToArray();
        EmptyStructClose = "</struct></value>"u8.ToArray();
    }

    public static XmlSyntax Instance { get; } = new();

    public override byte[]? GetFragment(XenStruct record) => record.XmlFragment;

    public override void SetFragment(XenStruct record, byte[]? fragment) => record.XmlFragment = fragment;

    public override int GetLength(XenStruct record) => record.XmlLength;

    public override void SetLength(XenStruct record, int bytes) => record.XmlLength = bytes;

    /// <summary>As C's <c>%.16g</c>.</summary>
    public override int Format(double number, Span<byte> output)
    {
        if (!double.IsFinite(number))
        {
            var name = double.IsNaN(number) ? "nan"u8 : number > 0 ? "inf"u8 : "-inf"u8;
            name.CopyTo(output);
            return name.Length;
        }

        number.TryFormat(output, out var written, "g16", CultureInfo.InvariantCulture);
        return written;
    }

    public override bool Escape(ReadOnlySpan<char> text, Span<byte> output, out int read, out int written)
    {
        var done = TextEscaper.Escape(text, output, Specials, Replace, out read, out written);
        ReplaceNonCharacters(output[..written]);
        return done;
    }

    /// <summary>U+FFFE and U+FFFF are not allowed in XML; U+FFFD has the same length.</summary>
    private static void ReplaceNonCharacters(Span<byte> utf8)
    {
        while (true)
        {
            var at = utf8.IndexOf([(byte)0xEF, (byte)0xBF]);
            if (at < 0)
                return;
            if (utf8[at + 2] is 0xBE or 0xBF)
                utf8[at + 2] = 0xBD;
            utf8 = utf8[(at + 3)..];
        }
    }

    private static ReadOnlySpan<byte> Replacement(char special) => special switch
    {
        '<' => "&lt;"u8,
        '>' => "&gt;"u8,
        '&' => "&amp;"u8,
        '"' => "&quot;"u8,
        _ => [],
    };
}
