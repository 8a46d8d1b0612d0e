using System.Text;

namespace XapiCompat.Xe;

/// <summary>What is going on, for --debug at once, for --debug-on-fail at the end of a run that failed.</summary>
internal sealed class Trace(Terminal terminal)
{
    private bool _now;
    private StringBuilder? _later;

    /// <summary>Whether anybody wants it; texts that cost something are made only then.</summary>
    public bool On => _now || _later is not null;

    public void Begin(bool now, bool onFailure)
    {
        _now = now && !onFailure;
        _later = onFailure ? new() : null;
    }

    public void Line(string text)
    {
        if (_now)
            terminal.Complain(text + "\n");
        else
            _later?.Append(text).Append('\n');
    }

    public void End(int code)
    {
        if (_later is { Length: > 0 } && code != 0)
            terminal.Complain($"\nDebug info:\n\n{_later}");
    }
}
