using System.Collections.Concurrent;
using XapiCompat.Core.Operations;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Life of tasks: made pending, moved by progress, ended exactly once. A task that is not pending any more is never
/// changed by a second end.
/// </summary>
public sealed class TaskService(RecordStore store, IdSource ids, TimeProvider clock, Func<XenValue, string> resultText)
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);
    private const int MostTasks = 200;

    private static readonly TimeSpan KeptFinished = TimeSpan.FromMinutes(65);
    private static readonly TimeSpan KeptPending = TimeSpan.FromHours(24);

    private readonly ClassDef _class = store.Model.Class("task");
    private Dictionary<string, (double Progress, DateTimeOffset Since)> _progress = [];

    /// <summary>A new pending task.</summary>
    /// <param name="hasWork">This server works behind it, and a cancel reaches that work.</param>
    public string Create(Record? session, string label, string description, string? subtaskOf = null, bool hasWork = true)
    {
        var reference = ids.NewReference();
        var host = store.Current.All(store.Model.Class("host")).FirstOrDefault();
        store.Commit(unit => unit.Insert(
            _class,
            reference,
            [
                ("uuid", ids.NewUuidText()),
                ("name_label", label),
                ("name_description", description),
                ("created", XenDate.Format(clock.GetUtcNow())),
                ("finished", XenDate.Never),
                ("status", "pending"),
                ("session", session?.Reference ?? Ref.Null.Text),
                ("resident_on", host?.Reference ?? Ref.Null.Text),
                ("progress", 0.0),
                ("type", "<none/>"),
                (TaskOperations.HasWork, hasWork),
                ("subtask_of", subtaskOf is not null && unit.Find(subtaskOf)?.Class == _class ? subtaskOf : Ref.Null.Text),
            ]));
        return reference;
    }

    /// <summary>A token that task.cancel fires; ask before the work starts.</summary>
    public CancellationToken Track(string task) => _running.GetOrAdd(task, _ => new CancellationTokenSource()).Token;

    /// <summary>Work begins behind a task that a client made; a token that task.cancel fires.</summary>
    public CancellationToken Adopt(string task)
    {
        store.Commit(unit =>
        {
            if (IsPending(unit, task))
                unit.Set(task, TaskOperations.HasWork, true);
        });
        return Track(task);
    }

    /// <summary>Progress from 0 to 1, stored when it moved by a percent.</summary>
    public void Progress(string task, double fraction)
    {
        if (!double.IsFinite(fraction) || store.Current.Find(task) is not { } record || record.Class != _class)
            return;
        var shown = ((XenDouble)record["progress"]).Number;
        if (Math.Abs(fraction - shown) < 0.01)
            return;
        store.Commit(unit =>
        {
            if (IsPending(unit, task))
                unit.Set(task, "progress", Math.Clamp(fraction, 0, 1));
        });
    }

    public void Succeed(string task, XenValue? result) => End(task, "success", result is null ? "" : resultText(result), null);

    public void Fail(string task, XenFailure failure) => End(task, "failure", "", failure.Description);

    /// <param name="fromHandler">HTTP actions leave TASK_CANCELLED in error_info, calls do not.</param>
    public void Cancelled(string task, bool fromHandler = false) =>
        End(task, "cancelled", "", fromHandler ? ["TASK_CANCELLED", task] : null);

    /// <summary>Asks the work behind a task to stop; nothing happens when it never looks.</summary>
    public void Cancel(string task, string byTask)
    {
        store.Commit(unit =>
        {
            var record = unit.Get("task", task);
            if (record.Text("status") == "pending")
                unit.Set(task, "current_operations", record.Map("current_operations").With(byTask, "cancel"));
        });
        if (_running.TryGetValue(task, out var source))
            source.Cancel();
    }

    /// <summary>Removes a finished task; a pending one goes once it is finished.</summary>
    public void Destroy(string task)
    {
        store.Commit(unit =>
        {
            var record = unit.Get("task", task);
            if (record.Text("status") == "pending")
                unit.Set(task, "current_operations", record.Map("current_operations").With("task", "destroy"));
            else
                unit.Delete(task);
        });
        Forget(task);
    }

    /// <summary>Removes the short-lived task of a synchronous call, whatever its state.</summary>
    public void Discard(string task)
    {
        store.Commit(unit => unit.Delete(task));
        Forget(task);
    }

    /// <summary>
    /// Removes finished tasks after 65 minutes or when there are more than 200 tasks, the oldest first, and pending ones
    /// that are older than a day and did not move for a day.
    /// </summary>
    public void Collect()
    {
        var now = clock.GetUtcNow();
        var all = store.Current.All(_class).ToList();
        var finished = all.Where(t => t.Text("status") is not ("pending" or "cancelling")).OrderBy(t => t.Text("finished"), StringComparer.Ordinal).ThenBy(t => t.Modified).ToList();
        var surplus = Math.Max(0, all.Count - MostTasks);
        var oldest = XenDate.Format(now - KeptFinished).Text;
        var doomed = finished
            .Where((t, i) => i < surplus || string.CompareOrdinal(EndOf(t), oldest) < 0 || t.Map("current_operations").Values.Any(o => o.ToString() == "destroy"))
            .Concat(Stalled(all.Except(finished), now))
            .Select(t => t.Reference)
            .ToList();
        if (doomed.Count == 0)
            return;
        store.Commit(unit => doomed.ForEach(unit.Delete));
        doomed.ForEach(Forget);
    }

    /// <summary>A client may say that its task is over without an end: then its beginning counts.</summary>
    private static string EndOf(Record task) => task.Text("finished") is var finished && finished != XenDate.Epoch ? finished : task.Text("created");

    /// <summary>Tasks whose progress stood still for as long as they may; remembers how far the others are.</summary>
    private List<Record> Stalled(IEnumerable<Record> pending, DateTimeOffset now)
    {
        var stalled = new List<Record>();
        var seen = new Dictionary<string, (double Progress, DateTimeOffset Since)>(StringComparer.Ordinal);
        var oldest = XenDate.Format(now - KeptPending).Text;
        foreach (var task in pending)
        {
            var progress = ((XenDouble)task["progress"]).Number;
            var moved = !_progress.TryGetValue(task.Reference, out var before) || !before.Progress.Equals(progress);
            seen[task.Reference] = moved ? (progress, now) : before;
            if (string.CompareOrdinal(task.Text("created"), oldest) < 0 && now - seen[task.Reference].Since >= KeptPending)
                stalled.Add(task);
        }

        _progress = seen;
        return stalled;
    }

    private void End(string task, string status, string result, IReadOnlyList<string>? error)
    {
        store.Commit(unit =>
        {
            if (!IsPending(unit, task))
                return;
            unit.Set(task, "finished", XenDate.Format(clock.GetUtcNow()));
            unit.Set(task, "progress", 1.0);
            unit.Set(task, "result", result);
            if (error is not null)
                unit.Set(task, "error_info", XenArray.Of(error));
            unit.Set(task, "status", status);
            if (unit.Find(task)!.Map("current_operations").Contains("task"))
                unit.Delete(task);
        });
        Forget(task);
    }

    private void Forget(string task)
    {
        if (_running.TryRemove(task, out var source))
            source.Dispose();
    }

    private bool IsPending(UnitOfWork unit, string task) =>
        unit.Find(task) is { } record && record.Class == _class && record.Text("status") == "pending";
}
