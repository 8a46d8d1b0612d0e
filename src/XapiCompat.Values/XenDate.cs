using System.Globalization;

namespace XapiCompat.Values;

/// <summary>Dates as the XenAPI sends them: UTC, seconds, no dashes in the date part.</summary>
public static class XenDate
{
    /// <summary>"Never", "not yet" and "invalid time".</summary>
    public const string Epoch = "19700101T00:00:00Z";

    private const string Pattern = "yyyyMMdd'T'HH:mm:ss";

    private static readonly string[] DateForms = ["yyyyMMdd", "yyyy-MM-dd"];
    private static readonly string[] TimeForms =
    [
        "HH:mm:ss", "HH:mm:ss.FFFFFFF", "HHmmss", "HHmmss.FFFFFFF",
    ];

    public static XenDateTime Never { get; } = new(Epoch);

    public static XenDateTime Format(DateTimeOffset time) =>
        new(time.ToUniversalTime().ToString(Pattern, CultureInfo.InvariantCulture) + "Z");

    /// <summary>
    /// Reads every form that XenAPI clients send: with or without dashes, fraction, offset. A value without zone keeps
    /// having none, as on a real host.
    /// </summary>
    public static bool TryParse(string text, out XenDateTime value)
    {
        value = Never;
        var t = text.IndexOf('T', StringComparison.Ordinal);
        if (t < 0)
            return false;
        if (!DateTime.TryParseExact(text[..t], DateForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            return false;

        var clock = text[(t + 1)..];
        var zoneAt = clock.AsSpan().IndexOfAny('Z', '+', '-');
        var zone = zoneAt < 0 ? "" : clock[zoneAt..];
        if (zoneAt >= 0)
            clock = clock[..zoneAt];
        if (!DateTime.TryParseExact(clock, TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return false;

        var moment = date.Date + time.TimeOfDay;
        if (zone.Length == 0)
        {
            value = new(moment.ToString(Pattern, CultureInfo.InvariantCulture));
            return true;
        }

        if (zone != "Z")
        {
            var digits = zone[1..].Replace(":", "", StringComparison.Ordinal);
            if (digits.Length is not (2 or 4) || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var n))
                return false;
            var offset = digits.Length == 2 ? TimeSpan.FromHours(n) : new TimeSpan(n / 100, n % 100, 0);
            if (offset > TimeSpan.FromHours(14))
                return false;
            var ticks = moment.Ticks + (zone[0] == '+' ? -offset.Ticks : offset.Ticks);
            if (ticks < 0 || ticks > DateTime.MaxValue.Ticks)
                return false;
            moment = new DateTime(ticks);
        }

        value = new(moment.ToString(Pattern, CultureInfo.InvariantCulture) + "Z");
        return true;
    }
}
