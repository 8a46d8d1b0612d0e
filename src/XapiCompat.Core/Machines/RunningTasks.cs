using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Ends operations of a VM that a stronger one overrides.</summary>
public sealed class RunningTasks(RecordStore store, TaskService tasks)
{
    /// <summary>Cancels the tasks of the named operations and returns when they have let go of the VM.</summary>
    public async ValueTask EndAsync(CallContext context, Ref vm, IReadOnlyCollection<string> operations)
    {
        var ended = Find(vm, operations).Where(t => t != context.Task).ToList();
        foreach (var task in ended)
        {
            try
            {
                tasks.Cancel(task, context.Task);
            }
            catch (XenException)
            {
                // It has come to its end by itself.
            }
        }

        while (true)
        {
            var database = store.Current;
            if (database.Find(vm.Text) is not { } record || !ended.Exists(record.Map("current_operations").Contains))
                return;
            await store.NextCommitAsync(database.Generation).WaitAsync(context.Cancellation);
        }
    }

    private List<string> Find(Ref vm, IReadOnlyCollection<string> operations)
    {
        var current = store.Current.Get("VM", vm).Map("current_operations");
        return [.. current.Names.Where(t => operations.Contains(current[t]!.ToString()!))];
    }
}
