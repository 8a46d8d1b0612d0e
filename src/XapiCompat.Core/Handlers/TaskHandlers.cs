using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Tasks as clients drive them; see <see cref="TaskService"/> for how the server does.</summary>
public sealed class TaskHandlers(RecordStore store, TaskService tasks, AccessControl access)
{
    [XenMessage("task.create")]
    public Ref Create(CallContext context, string label, string description)
    {
        var task = tasks.Create(context.SessionRecord, label, description, context.Origin.SubtaskOf, hasWork: false);
        tasks.Track(task);
        return new(task);
    }

    [XenMessage("task.destroy")]
    public void Destroy(CallContext context, Ref self)
    {
        Require(context, store.Current.Get("task", self));
        tasks.Destroy(self.Text);
    }

    [XenMessage("task.cancel")]
    public void Cancel(CallContext context, Ref task)
    {
        Require(context, store.Current.Get("task", task));
        tasks.Cancel(task.Text, context.Task);
    }

    [XenMessage("task.set_status")]
    public void SetStatus(CallContext context, Ref self, string value) => Set(context, self, "status", value);

    [XenMessage("task.set_progress")]
    public void SetProgress(CallContext context, Ref self, double value) => Set(context, self, "progress", value);

    [XenMessage("task.set_result")]
    public void SetResult(CallContext context, Ref self, string value) => Set(context, self, "result", value);

    [XenMessage("task.set_error_info")]
    public void SetErrorInfo(CallContext context, Ref self, XenArray value) => Set(context, self, "error_info", value);

    [XenMessage("task.set_other_config")]
    public void SetOtherConfig(CallContext context, Ref self, XenStruct value) => Set(context, self, "other_config", value);

    [XenMessage("task.add_to_other_config")]
    public void AddToOtherConfig(CallContext context, Ref self, string key, string value) =>
        store.Commit(unit => MapEdits.Add(unit, Mine(context, unit, self), "other_config", key, value));

    [XenMessage("task.remove_from_other_config")]
    public void RemoveFromOtherConfig(CallContext context, Ref self, string key) =>
        store.Commit(unit => MapEdits.Remove(unit, Mine(context, unit, self), "other_config", key));

    private void Set(CallContext context, Ref self, string field, XenValue value) =>
        store.Commit(unit => unit.Set(Mine(context, unit, self).Reference, field, Storable.Clean(value)));

    /// <summary>The task, if the caller may drive it.</summary>
    private Record Mine(CallContext context, UnitOfWork unit, Ref self)
    {
        var task = unit.Get("task", self);
        Require(context, task);
        return task;
    }

    private void Require(CallContext context, Record task) => access.RequireTask(store.Current, task, context.SessionRecord);
}
