using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>Text that XML cannot hold is cut out before it is stored, so that every answer can be encoded.</summary>
public static class Storable
{
    public static XenValue Clean(XenValue value) => value switch
    {
        XenString s when NeedsCleaning(s.Text) => XenString.Of(Clean(s.Text)),
        XenArray a when a.Items.Any(i => !ReferenceEquals(Clean(i), i)) => new XenArray([.. a.Items.Select(Clean)]),
        XenStruct m when m.Names.Any(NeedsCleaning) || m.Values.Any(i => !ReferenceEquals(Clean(i), i)) =>
            new XenStruct([.. m.Names.Select(Clean)], [.. m.Values.Select(Clean)]),
        _ => value,
    };

    private static string Clean(string text) => NeedsCleaning(text) ? string.Concat(text.Where(IsAllowed)) : text;

    private static bool NeedsCleaning(string text)
    {
        foreach (var c in text)
        {
            if (!IsAllowed(c))
                return true;
        }

        return false;
    }

    private static bool IsAllowed(char c) => c is >= ' ' and not ('\uFFFE' or '\uFFFF') or '\t' or '\n' or '\r';
}
