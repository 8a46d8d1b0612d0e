namespace XapiCompat.Core.Machines;

/// <summary>How long the simulated back end takes for each step; zero is done at once.</summary>
/// <param name="Tools">From the start of a guest until its tools report.</param>
/// <param name="Acknowledge">Until a guest that does not react is given up.</param>
public sealed record SimulatedDurations(
    TimeSpan Start = default,
    TimeSpan Shutdown = default,
    TimeSpan Reboot = default,
    TimeSpan Pause = default,
    TimeSpan Suspend = default,
    TimeSpan Resume = default,
    TimeSpan Migrate = default,
    TimeSpan Tools = default,
    TimeSpan Acknowledge = default)
{
    /// <summary>
    /// Reads <c>start=2,shutdown=0.5</c> (seconds); one number alone counts for every step but the tools and the
    /// acknowledgement. Null when the text is wrong.
    /// </summary>
    public static SimulatedDurations? Parse(string text)
    {
        if (Seconds(text) is { } all)
            return new(all, all, all, all, all, all, all);
        var result = new SimulatedDurations();
        foreach (var part in text.Split(','))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at < 0 || Seconds(part[(at + 1)..]) is not { } time)
                return null;
            switch (part[..at])
            {
                case "start":
                    result = result with { Start = time };
                    break;
                case "shutdown":
                    result = result with { Shutdown = time };
                    break;
                case "reboot":
                    result = result with { Reboot = time };
                    break;
                case "pause":
                    result = result with { Pause = time };
                    break;
                case "suspend":
                    result = result with { Suspend = time };
                    break;
                case "resume":
                    result = result with { Resume = time };
                    break;
                case "migrate":
                    result = result with { Migrate = time };
                    break;
                case "tools":
                    result = result with { Tools = time };
                    break;
                case "acknowledge":
                    result = result with { Acknowledge = time };
                    break;
                default:
                    return null;
            }
        }

        return result;
    }

    private static TimeSpan? Seconds(string text) =>
        double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
