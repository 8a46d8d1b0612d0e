using System.Text;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Queries;

/// <summary>
/// The text of snapshot_metadata: <c>(('name' 'value') …)</c>, with nested maps and sets as such text again.
/// </summary>
public static class SExpression
{
    public static string Write(IEnumerable<(string Name, XenValue Value)> pairs) =>
        "(" + string.Join(' ', pairs.Select(p => "(" + QueryText.Quote(p.Name) + " " + QueryText.Quote(QueryText.Of(p.Value)) + ")")) + ")";

    /// <summary>The pairs of a text, or nothing when it is none.</summary>
    public static IReadOnlyList<(string Name, string Value)> ReadPairs(string text)
    {
        var pairs = new List<(string, string)>();
        foreach (var item in ReadList(text))
        {
            if (item is { IsList: true } && ReadList(item.Text).ToList() is [{ IsList: false } name, { IsList: false } value])
                pairs.Add((name.Text, value.Text));
        }

        return pairs;
    }

    /// <summary>A value of <paramref name="type"/> from its text form.</summary>
    public static XenValue ReadValue(string text, XenType type) => type switch
    {
        SetType set => new XenArray([.. ReadList(text).Select(i => ReadValue(i.Text, set.Item))]),
        MapType map => Map(ReadPairs(text), map),
        BoolType => XenValue.From(text == "true"),
        _ => type.Coerce(XenString.Of(text)),
    };

    private static XenStruct Map(IReadOnlyList<(string Name, string Value)> pairs, MapType type) =>
        new([.. pairs.Select(p => p.Name)], [.. pairs.Select(p => ReadValue(p.Value, type.Item))]);

    /// <summary>The items of one list: atoms unquoted, lists with their brackets.</summary>
    private static IEnumerable<(string Text, bool IsList)> ReadList(string text)
    {
        var at = 1;
        while (at < text.Length - 1)
        {
            if (text[at] == '\'')
            {
                yield return (ReadAtom(text, ref at), false);
            }
            else if (text[at] == '(')
            {
                var start = at;
                SkipList(text, ref at);
                yield return (text[start..at], true);
            }
            else
            {
                at++;
            }
        }
    }

    private static string ReadAtom(string text, ref int at)
    {
        var atom = new StringBuilder();
        for (at++; at < text.Length && text[at] != '\''; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            atom.Append(text[at]);
        }

        // A text that ends inside an atom ends the atom.
        at = Math.Min(at + 1, text.Length);
        return atom.ToString();
    }

    private static void SkipList(string text, ref int at)
    {
        var depth = 0;
        do
        {
            if (text[at] == '\'')
            {
                ReadAtom(text, ref at);
                continue;
            }

            depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            at++;
        }
        while (depth > 0 && at < text.Length);
    }
}
