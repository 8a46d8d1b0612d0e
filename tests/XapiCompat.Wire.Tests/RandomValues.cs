using System.Globalization;
using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire.Tests;

/// <summary>Random values, and what each protocol makes of a value on its way.</summary>
internal sealed class RandomValues(int seed)
{
    private static readonly string[] Pieces =
        ["", "a", "OpaqueRef:NULL", " ", "<", ">", "&", "\"", "'", "]]>", "&lt;", "\\", "/", "\t", "\n", "é", "€", "😀", "\u0085", "\u2028", "\u007f", "0", "é😀"];

    private static readonly string[] Odd = ["\0", "\u0001", "\u001f", "\ud800", "\udc00", "\r", "\uFFFE", "\uFFFF"];

    private readonly Random _random = new(seed);

    public XenValue Next(int depth = 4, bool odd = true) => _random.Next(depth == 0 ? 7 : 10) switch
    {
        0 => _random.Next(100) == 0 ? new string('é', _random.Next(100_000)) : Text(odd),
        1 => Text(odd),
        2 => _random.NextInt64(),
        3 => _random.Next(-1000, 1000),
        4 => _random.Next(2) == 0,
        5 => Number(),
        6 => new XenDateTime("20260314T09:26:" + _random.Next(10, 60) + "Z"),
        7 => new XenArray([.. Enumerable.Range(0, _random.Next(5)).Select(_ => Next(depth - 1, odd))]),
        _ => Struct(depth, odd),
    };

    /// <summary>What is read back from the XML of <paramref name="value"/>.</summary>
    public static XenValue FromXml(XenValue value) => value switch
    {
        XenString s => XmlText(s.Text),
        XenInt i => i.ToString(),
        XenDouble d => double.Parse(d.Number.ToString("g16", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        XenArray a => new XenArray([.. a.Items.Select(FromXml)]),
        XenStruct s => new XenStruct([.. s.Names.Select(XmlText)], [.. s.Values.Select(FromXml)]),
        _ => value,
    };

    /// <summary>What is read back from the JSON of <paramref name="value"/>.</summary>
    public static XenValue FromJson(XenValue value) => value switch
    {
        XenString s => WellFormed(s.Text),
        XenDateTime d => d.Text,
        XenArray a => new XenArray([.. a.Items.Select(FromJson)]),
        XenStruct s => new XenStruct([.. s.Names.Select(WellFormed)], [.. s.Values.Select(FromJson)]),
        _ => value,
    };

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string XmlText(string text) => string.Concat(WellFormed(text)
        .Where(c => c is >= ' ' or '\t' or '\n' or '\r')
        .Select(c => c is '\uFFFE' or '\uFFFF' ? '\uFFFD' : c));

    private XenStruct Struct(int depth, bool odd)
    {
        var count = _random.Next(6);
        return new(
            [.. Enumerable.Range(0, count).Select(i => i + Text(odd))],
            [.. Enumerable.Range(0, count).Select(_ => Next(depth - 1, odd))],
            cacheFragments: _random.Next(2) == 0);
    }

    private double Number()
    {
        if (_random.Next(3) == 0)
            return _random.Next(-100, 100) / 4.0;
        var any = BitConverter.Int64BitsToDouble(_random.NextInt64(long.MinValue, long.MaxValue));
        return double.IsFinite(any) ? any : _random.NextDouble();
    }

    private string Text(bool odd)
    {
        var text = new StringBuilder();
        for (var i = _random.Next(6); i > 0; i--)
            text.Append(odd && _random.Next(5) == 0 ? Odd[_random.Next(Odd.Length)] : Pieces[_random.Next(Pieces.Length)]);
        return text.ToString();
    }
}
