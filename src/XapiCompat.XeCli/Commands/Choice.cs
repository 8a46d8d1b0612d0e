namespace XapiCompat.XeCli.Commands;

/// <summary>Members of an enum on the command line: in any case there, as the API writes them here.</summary>
public static class Choice
{
    /// <param name="text">As typed.</param>
    /// <param name="members">As the API writes them.</param>
    public static string Of(string text, params ReadOnlySpan<string> members)
    {
        foreach (var member in members)
        {
            if (member.Equals(text, StringComparison.OrdinalIgnoreCase))
                return member;
        }

        throw new XeException("Expected one of '" + string.Join("', '", members.ToArray()) + "', got " + text);
    }

    /// <summary>Mode of a bond; an empty one is the mode that bonds have without a choice.</summary>
    public static string BondMode(string text) => text.ToLowerInvariant() switch
    {
        "" or "balance-slb" => "balance-slb",
        "active-backup" => "active-backup",
        "lacp" => "lacp",
        _ => throw new XeException("Invalid bond mode. Got " + text),
    };

    /// <summary>Type of a disk; here only lower case is known, as ever.</summary>
    public static string DiskType(string text) =>
        text is "system" or "user" or "suspend" or "crashdump" ? text : throw new XeException("Unknown vdi type: " + text);
}
