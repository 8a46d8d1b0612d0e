using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>An operation about to run on an object.</summary>
/// <param name="Class">One with current_operations.</param>
public sealed record PlannedOperation(string Class, string Reference, string Operation);

/// <summary>
/// Marks objects with what runs on them. Objects that are busy are waited for, as clients expect; every other refusal
/// is immediate.
/// </summary>
public sealed class OperationGuard(RecordStore store, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromHours(2);

    /// <summary>
    /// Checks all operations against the rules at one instant and puts them in current_operations, or waits. Dispose of
    /// the result to take them out. <paramref name="begin"/> runs in the same commit.
    /// </summary>
    /// <param name="require">A further rule of this call, asked and waited for like those of the objects.</param>
    /// <param name="patience">How long busy objects are waited for, if not as long as usual; zero fails at once.</param>
    public ValueTask<OperationScope> BeginAsync(
        CallContext context,
        IReadOnlyList<PlannedOperation> operations,
        Action<UnitOfWork>? begin = null,
        Func<IRecords, XenFailure?>? require = null,
        TimeSpan? patience = null) => BeginAsync(context, _ => operations, begin, require, patience);

    /// <summary>The same for operations that depend on the records at the instant of the check, such as all devices of a VM.</summary>
    public async ValueTask<OperationScope> BeginAsync(
        CallContext context,
        Func<IRecords, IReadOnlyList<PlannedOperation>> plan,
        Action<UnitOfWork>? begin = null,
        Func<IRecords, XenFailure?>? require = null,
        TimeSpan? patience = null)
    {
        IReadOnlyList<PlannedOperation> operations = [];
        var start = clock.GetTimestamp();
        while (true)
        {
            var generation = store.Current.Generation;
            var busy = store.Commit(unit =>
            {
                operations = plan(unit);
                var failures = operations.Select(o => Check(unit, o)).Append(require?.Invoke(unit));
                if (failures.FirstOrDefault(f => f is not null) is { } failure)
                    return failure.Code == "OTHER_OPERATION_IN_PROGRESS" ? failure : throw failure.AsException();
                foreach (var operation in operations)
                    Mark(unit, operation, context.Task);
                begin?.Invoke(unit);
                return null;
            });
            if (busy is null)
                return new(store, operations, context.Task);
            var left = (patience ?? Patience) - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                throw busy.AsException();
            try
            {
                await store.NextCommitAsync(generation).WaitAsync(left, clock, context.Cancellation);
            }
            catch (TimeoutException)
            {
            }
        }
    }

    private static XenFailure? Check(UnitOfWork unit, PlannedOperation operation)
    {
        var record = unit.Get(operation.Class, operation.Reference);
        return OperationRules.Find(operation.Class)?.Check?.Invoke(unit, record, operation.Operation);
    }

    private static void Mark(UnitOfWork unit, PlannedOperation operation, string task)
    {
        var current = unit.Find(operation.Reference)!.Map("current_operations");
        unit.Set(operation.Reference, "current_operations", current.With(task, operation.Operation));
    }
}

/// <summary>Operations under way; disposing takes them out of current_operations.</summary>
public sealed class OperationScope(RecordStore store, IReadOnlyList<PlannedOperation> operations, string task) : IAsyncDisposable
{
    /// <summary>Ends the operations within a commit that does more; ending twice does no harm.</summary>
    public void End(UnitOfWork unit)
    {
        foreach (var operation in operations)
        {
            if (unit.Find(operation.Reference) is { } record)
                unit.Set(operation.Reference, "current_operations", record.Map("current_operations").Without(task));
        }
    }

    public ValueTask DisposeAsync()
    {
        store.Commit(End);
        return ValueTask.CompletedTask;
    }
}
