using System.Text;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Words of a line as a shell would see them: blanks part them, double quotes keep blanks.</summary>
internal static class TranscriptWords
{
    public static IReadOnlyList<string> Split(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool quoted = false, inside = false;
        foreach (var c in line)
        {
            if (c == '"')
            {
                quoted = !quoted;
                inside = true;
            }
            else if (c == ' ' && !quoted)
            {
                if (inside)
                    words.Add(word.ToString());
                word.Clear();
                inside = false;
            }
            else
            {
                word.Append(c);
                inside = true;
            }
        }

        if (inside)
            words.Add(word.ToString());
        return words;
    }
}
