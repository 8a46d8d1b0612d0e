namespace XapiCompat.Xe.Options;

/// <summary>The user's file of defaults: lines of key=value.</summary>
internal static class DefaultsFile
{
    /// <summary>Empty when there is no such file. One line that is not key=value makes the whole file void, which the user is told.</summary>
    public static List<(string Key, string Value)> Read(string path, Terminal terminal)
    {
        string[] lines;
        try
        {
            if (!File.Exists(path))
                return [];
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        var entries = new List<(string, string)>();
        foreach (var line in lines)
        {
            if (line.Length == 0)
                continue;
            var at = line.IndexOf('=', StringComparison.Ordinal);
            if (at < 0)
            {
                terminal.Complain("Error parsing rc file. No defaults loaded\n");
                return [];
            }

            entries.Add((line[..at], line[(at + 1)..]));
        }

        return entries;
    }
}
