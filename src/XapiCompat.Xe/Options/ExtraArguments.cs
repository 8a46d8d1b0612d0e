using System.Text;

namespace XapiCompat.Xe.Options;

/// <summary>The list in XE_EXTRA_ARGS: separated by commas, a backslash keeps a comma, empty items do not count.</summary>
internal static class ExtraArguments
{
    public static List<string> Split(string text)
    {
        var items = new List<string>();
        var item = new StringBuilder();
        for (var i = 0; i <= text.Length; i++)
        {
            // A backslash never stays, whatever it stands before.
            if (i == text.Length || (text[i] == ',' && (item.Length == 0 || text[i - 1] != '\\')))
            {
                if (item.Length > 0)
                    items.Add(item.ToString());
                item.Clear();
            }
            else if (text[i] != '\\')
            {
                item.Append(text[i]);
            }
        }

        return items;
    }
}
