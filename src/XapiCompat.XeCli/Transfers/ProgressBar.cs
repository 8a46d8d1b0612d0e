using System.Globalization;
using System.Text;

namespace XapiCompat.XeCli.Transfers;

/// <summary>How far a task is, in one line of a terminal that is written over and over.</summary>
internal sealed class ProgressBar(TimeProvider time)
{
    private const int Width = 55;
    private const string Spinner = "-\\|/";

    private readonly long _start = time.GetTimestamp();
    private double _fraction;
    private int _turns;

    /// <summary>Takes in the progress; true when the line would look different.</summary>
    public bool Update(double fraction)
    {
        var before = Filled;
        _fraction = Math.Clamp(fraction, 0, 1);
        return Filled != before;
    }

    /// <summary>80 characters.</summary>
    public string Line()
    {
        var text = new StringBuilder("[").Append(Spinner[_turns++ % Spinner.Length]).Append("] ");
        if (Filled > 0)
            text.Append('#', Filled - 1).Append('>');
        text.Append(' ', Width - Filled);
        return text.Append(CultureInfo.InvariantCulture, $" ({(int)(_fraction * 100),3}% ETA {Clock(Remaining())}) ").ToString();
    }

    public string Summary() => "Total time: " + Clock(time.GetElapsedTime(_start)) + "\n";

    private int Filled => (int)(_fraction * Width);

    private TimeSpan Remaining() => _fraction <= 0 ? TimeSpan.MaxValue : time.GetElapsedTime(_start) * ((1 - _fraction) / _fraction);

    private static string Clock(TimeSpan span) => span.TotalHours < 100
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours:D2}:{span.Minutes:D2}:{span.Seconds:D2}")
        : "++:++:++";
}
