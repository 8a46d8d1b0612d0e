using System.Globalization;
using System.Reflection;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>The clock of each host: this machine's, moved by what set_servertime said, in the host's time zone.</summary>
public sealed class HostClock(HostSettings settings, TimeProvider clock)
{
    private static readonly Lazy<string[]> Names = new(ReadNames);

    /// <summary>Names that list_timezones gives and set_timezone takes, sorted.</summary>
    public static IReadOnlyList<string> TimeZones => Names.Value;

    public DateTimeOffset Now(Record host)
    {
        var offset = settings.Get(host.Uuid, HostSettings.ClockOffset);
        if (offset is null)
            return clock.GetUtcNow();
        // A clock set to the end of time stops there.
        var moved = clock.GetUtcNow().UtcTicks + TimeSpan.FromSeconds(double.Parse(offset, CultureInfo.InvariantCulture)).Ticks;
        return new(Math.Clamp(moved, TimeSpan.TicksPerDay, DateTimeOffset.MaxValue.UtcTicks - TimeSpan.TicksPerDay), TimeSpan.Zero);
    }

    /// <summary>Local time without a zone, as the host's users see it.</summary>
    public XenDateTime LocalNow(Record host)
    {
        // A machine without a database of time zones knows UTC only.
        var zone = TimeZoneInfo.TryFindSystemTimeZoneById(host.Text("timezone"), out var found) ? found : TimeZoneInfo.Utc;
        return new(TimeZoneInfo.ConvertTime(Now(host), zone).ToString("yyyyMMdd'T'HH:mm:ss", CultureInfo.InvariantCulture));
    }

    public void Set(Record host, DateTimeOffset now) =>
        settings.Set(host.Uuid, HostSettings.ClockOffset, (now - clock.GetUtcNow()).TotalSeconds.ToString(CultureInfo.InvariantCulture));

    private static string[] ReadNames()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("timezones.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
