using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// The tasks that clients see below the task of a VM's snapshot or copy: one a disk, gone when the whole is done. They come and
/// go in the commits that the operation makes anyway.
/// </summary>
internal sealed class DiskSubtasks(RecordStore store, IdSource ids, TimeProvider clock, CallContext context, string message, IReadOnlyList<long> sizes)
{
    private readonly List<string> _tasks = [.. sizes.Select(_ => ids.NewReference())];
    private readonly double _total = Math.Max(1, sizes.Sum());

    public void Begin(UnitOfWork unit)
    {
        if (!context.HasStoredTask || unit.Find(context.Task) is null)
            return;
        var now = XenDate.Format(clock.GetUtcNow());
        foreach (var task in _tasks)
        {
            unit.Insert(
                unit.Model.Class("task"),
                task,
                [
                    ("uuid", ids.NewUuidText()), ("name_label", "Async." + message), ("created", now), ("finished", XenDate.Never), ("status", "pending"),
                    ("session", context.SessionRecord?.Reference ?? Ref.Null.Text), ("resident_on", unit.Find(context.Task)!["resident_on"]),
                    ("type", "<none/>"), ("subtask_of", context.Task),
                ]);
        }
    }

    /// <summary>A disk is under way; progress of the whole goes by size.</summary>
    public void Progress(int disk, double fraction, Action<double> whole) => whole((sizes.Take(disk).Sum() + (sizes[disk] * fraction)) / _total);

    public void Done(int disk, Action<double> whole)
    {
        store.Commit(unit =>
        {
            if (unit.Find(_tasks[disk]) is null)
                return;
            unit.Set(_tasks[disk], "progress", 1.0);
            unit.Set(_tasks[disk], "finished", XenDate.Format(clock.GetUtcNow()));
            unit.Set(_tasks[disk], "status", "success");
        });
        Progress(disk, 1, whole);
    }

    public void End(UnitOfWork unit) => _tasks.ForEach(unit.Delete);
}
