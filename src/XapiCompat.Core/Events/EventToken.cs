using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Core.Events;

/// <summary>
/// The token of event.from, as two zero-filled decimals: up to which generation objects were seen, and up to which messages.
/// </summary>
internal readonly record struct EventToken(long Objects, long Messages)
{
    public override string ToString() =>
        Objects.ToString("D20", CultureInfo.InvariantCulture) + "," + Messages.ToString("D20", CultureInfo.InvariantCulture);

    /// <summary>Empty means from the beginning. Anything unreadable is EVENT_FROM_TOKEN_PARSE_FAILURE.</summary>
    public static EventToken Parse(string token)
    {
        if (token.Length == 0)
            return default;
        var parts = token.Split(',');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var objects)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var messages)
            ? new(objects, messages)
            : throw new XenException("EVENT_FROM_TOKEN_PARSE_FAILURE", token);
    }
}
