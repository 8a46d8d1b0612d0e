using System.Diagnostics;
using XapiCompat.Core.Plugins;

namespace XapiCompat.Core.Laboratory;

/// <summary>
/// Places in the server's work at which a tester has it end, fail or stand still. Each is passed under its name, in the course of a
/// call. docs/laboratory.md lists the names.
/// </summary>
public sealed class FaultPoints
{
    /// <summary>The request header with a call's tag.</summary>
    public const string TagHeader = "X-Lab-Tag";

    private const int LongestTrace = 100_000;

    private readonly Lock _lock = new();
    private readonly AsyncLocal<string?> _call = new();
    private readonly List<FaultRule> _rules = [];
    private readonly List<(string Call, string Point)> _trace = [];
    private int _lastId;
    private bool _tracing;

    /// <summary>What runs from here on, in this flow of control, belongs to a call.</summary>
    /// <param name="tag">What the client calls it, to tell several alike apart; empty when it does not.</param>
    public void Enter(string call, string tag) => _call.Value = tag.Length == 0 ? call : call + "#" + tag;

    /// <summary>Passes a point at which nothing can fail any more: errors do not happen here.</summary>
    public void Note(string point) => _ = Reach(point, "");

    /// <summary>Passes a point; throws where a rule says so.</summary>
    public void Pass(string point)
    {
        if (Reach(point, "") is { } hit)
            throw hit.Exception();
    }

    /// <summary>Passes a point. Does not return where the process is to end; stands still where it is to; answers an error to fail with.</summary>
    /// <param name="path">The file concerned; empty where there is none.</param>
    public FaultError? Reach(string point, string path)
    {
        FaultRule? rule;
        lock (_lock)
        {
            if (_rules.Count == 0 && !_tracing)
                return null;
            var call = _call.Value ?? "";
            if (_tracing && _trace.Count < LongestTrace)
                _trace.Add((call, point));
            rule = _rules.Find(r => r.IsReachedBy(call, point, path));
        }

        switch (rule?.Action)
        {
            case FaultAction.Kill:
                Process.GetCurrentProcess().Kill();
                new ManualResetEventSlim().Wait();
                return null;
            case FaultAction.Pause:
                rule.Gate.Wait();
                return null;
            case FaultAction.Error:
                return rule.Error;
            default:
                return null;
        }
    }

    /// <summary>Adds a rule; its number is the result.</summary>
    public int Add(FaultRule rule)
    {
        lock (_lock)
        {
            rule.Id = ++_lastId;
            _rules.Add(rule);
            return rule.Id;
        }
    }

    /// <summary>Removes a rule, or all; whoever stands still there goes on.</summary>
    public void Remove(int? id)
    {
        lock (_lock)
        {
            foreach (var rule in _rules.Where(r => id is null || r.Id == id))
                rule.Gate.Set();
            _rules.RemoveAll(r => id is null || r.Id == id);
        }
    }

    /// <summary>The rules, oldest first.</summary>
    public IReadOnlyList<FaultRule> Rules
    {
        get
        {
            lock (_lock)
                return [.. _rules];
        }
    }

    /// <summary>Begins a new record of what is passed, or ends it.</summary>
    public void Trace(bool on)
    {
        lock (_lock)
        {
            _tracing = on;
            if (on)
                _trace.Clear();
        }
    }

    /// <summary>What was passed since the trace began, in order.</summary>
    public IReadOnlyList<(string Call, string Point)> Passed
    {
        get
        {
            lock (_lock)
                return [.. _trace];
        }
    }
}

/// <summary>What happens at a point.</summary>
public enum FaultAction
{
    /// <summary>The process ends as by <c>kill -9</c>.</summary>
    Kill,

    /// <summary>The step fails.</summary>
    Error,

    /// <summary>The step waits until the rule is removed.</summary>
    Pause,
}

/// <summary>A failure of the file system.</summary>
/// <param name="Number">The system's error number.</param>
/// <param name="Half">A write brings the first half of its sectors to the file.</param>
public sealed record FaultError(string Name, int Number, bool Half = false)
{
    public static IReadOnlyList<FaultError> All { get; } = [new("EIO", 5), new("ENOSPC", 28), new("EDQUOT", 122), new("EROFS", 30), new("SHORT", 28, Half: true)];

    public IOException Exception() => new(Name + " (fault point)", Number);
}

/// <summary>What is to happen where.</summary>
/// <param name="point">Names of points, separated by commas; <c>*</c> stands for any run of characters.</param>
/// <param name="call">Name of calls, likewise.</param>
/// <param name="passing">Which passing of such a point in such a call it is, from 1.</param>
/// <param name="stays">It happens at all later passings as well.</param>
public sealed class FaultRule(string point, string call, int passing, FaultAction action, FaultError error, bool stays)
{
    private readonly string[] _points = point.Split(',');
    private int _passed;

    public int Id { get; internal set; }

    public string Point { get; } = point;

    public string Call { get; } = call;

    /// <summary>Files concerned; <c>*</c> stands for any run of characters.</summary>
    public string Path { get; init; } = "*";

    public int Passing { get; } = passing;

    public FaultAction Action { get; } = action;

    public FaultError Error { get; } = error;

    public bool Stays { get; } = stays;

    /// <summary>How often such a point was passed so far.</summary>
    public int Passed => _passed;

    /// <summary>Where it happened first; null as long as it has not.</summary>
    public string? ReachedAt { get; private set; }

    internal ManualResetEventSlim Gate { get; } = new();

    internal bool IsReachedBy(string call, string point, string path)
    {
        if (!Glob.Matches(Call, call) || !Glob.Matches(Path, path) || !Array.Exists(_points, p => Glob.Matches(p, point)))
            return false;
        _passed++;
        if (_passed != Passing && !(Stays && _passed > Passing))
            return false;
        ReachedAt ??= point;
        return true;
    }
}
