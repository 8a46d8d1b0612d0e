using System.Globalization;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>The times of a snapshot schedule: which keys and values may be given, and when it is due.</summary>
public static class VmssSchedule
{
    private const string Min = "min";
    private const string Hour = "hour";
    private const string Days = "days";

    private static readonly string[] Minutes = ["0", "15", "30", "45"];
    private static readonly string[] WeekDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    private static readonly string[] AllKeys = [Min, Hour, Days];

    /// <summary>Completes a schedule for a frequency; keys of other frequencies are refused when <paramref name="strict"/>, else dropped.</summary>
    public static XenStruct Complete(string frequency, XenStruct given, bool strict)
    {
        var keys = Keys(frequency);
        var result = XenStruct.Empty;
        foreach (var (name, value) in given.Names.Zip(given.Values))
        {
            if (keys.Contains(name))
                result = result.With(name, Checked(name, value.ToString()!));
            else if (strict)
                throw Invalid(name, value.ToString()!);
        }

        foreach (var key in keys.Where(k => !result.Contains(k)))
            result = result.With(key, key == Days ? WeekDays[0] : "0");
        return result;
    }

    /// <summary>A whole new map, or one pair more: any key of any frequency will do.</summary>
    public static XenStruct Check(XenStruct given)
    {
        var result = XenStruct.Empty;
        foreach (var (name, value) in given.Names.Zip(given.Values))
            result = result.With(name, AllKeys.Contains(name) ? Checked(name, value.ToString()!) : throw Invalid(name, value.ToString()!));
        return result;
    }

    public static void CheckRetained(long value)
    {
        if (value is < 1 or > 10)
            throw new XenException("INVALID_VALUE", "retained_snapshots", " = " + value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>True when a time of the schedule lies after <paramref name="from"/> and not after <paramref name="to"/>, in their zone.</summary>
    public static bool IsDue(Record vmss, DateTimeOffset from, DateTimeOffset to)
    {
        var schedule = vmss.Map("schedule");
        var minute = Number(schedule, Min);
        var hour = vmss.Text("frequency") == "hourly" ? (int?)null : Number(schedule, Hour);
        var days = vmss.Text("frequency") == "weekly" ? (schedule[Days]?.ToString() ?? WeekDays[0]).Split(',') : null;

        // A week back is enough to know whether anything was missed.
        var at = from < to.AddDays(-7) ? to.AddDays(-7) : from;
        at = new DateTimeOffset(at.Year, at.Month, at.Day, at.Hour, at.Minute, 0, at.Offset).AddMinutes(1);
        for (; at <= to; at = at.AddMinutes(1))
        {
            if (at.Minute == minute && (hour is null || at.Hour == hour) && (days is null || days.Contains(at.DayOfWeek.ToString())))
                return true;
        }

        return false;
    }

    private static string[] Keys(string frequency) => frequency switch
    {
        "hourly" => [Min],
        "daily" => [Hour, Min],
        _ => [Hour, Min, Days],
    };

    private static string Checked(string key, string value)
    {
        switch (key)
        {
            case Min:
                return Minutes.Contains(value) ? value : throw Invalid(key, value);
            case Hour:
                return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var hour) && hour < 24 ? value : throw Invalid(key, value);
            default:
                var days = value.Split(',').Select(d => WeekDays.FirstOrDefault(w => w.Equals(d, StringComparison.OrdinalIgnoreCase))).ToList();
                return days.Contains(null) || days.Distinct().Count() < days.Count ? throw Invalid(key, value) : string.Join(',', days);
        }
    }

    private static XenException Invalid(string key, string value) => new("INVALID_VALUE", "schedule", key + " = " + value);

    private static int Number(XenStruct schedule, string key) =>
        int.TryParse(schedule[key]?.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
