using System.Collections.Frozen;
using XapiCompat.Core.Access;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>
/// The one way into the API: every rule that holds for all messages stands here once, in the order in which clients
/// see it.
/// </summary>
public sealed class Dispatcher
{
    private static readonly FrozenSet<string> StaysCallable = new[] { "VM.snapshot_with_quiesce" }.ToFrozenSet(StringComparer.Ordinal);

    private readonly RecordStore _store;
    private readonly HandlerTable _handlers;
    private readonly Refusals _refusals;
    private readonly ImplicitMessages _implicit;
    private readonly SessionService _sessions;
    private readonly TaskService _tasks;
    private readonly AccessControl _access;
    private readonly DispatcherOptions _options;
    private readonly MemberGate _member = new();
    private readonly FrozenDictionary<string, MessageDef>.AlternateLookup<ReadOnlySpan<char>> _asyncNames;

    private readonly MessageDef _extension;

    public Dispatcher(RecordStore store, HandlerTable handlers, SessionService sessions, TaskService tasks, AccessControl access, IdSource ids, DispatcherOptions options)
    {
        _store = store;
        _handlers = handlers;
        _refusals = Refusals.Load(store.Model);
        _implicit = new(store, ids);
        _sessions = sessions;
        _tasks = tasks;
        _access = access;
        _extension = store.Model.FindMessage("host.call_extension")!;
        _options = options;
        // Async. exists only for the dotted spelling.
        _asyncNames = store.Model.Messages.ToFrozenDictionary(m => m.FullName, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>
    /// Runs one call to its answer; <c>Async.</c> calls answer with their task at once. Never throws for anything that
    /// a client did.
    /// </summary>
    public async ValueTask<RpcResult> InvokeAsync(RpcCall call, CallOrigin origin)
    {
        try
        {
            return RpcResult.Success(await RunAsync(call, origin));
        }
        catch (XenException e)
        {
            return RpcResult.Fail(e.Failure);
        }
        catch (Exception e)
        {
            _options.OnUnexpected?.Invoke(call.Method, e);
            return RpcResult.Fail(new("INTERNAL_ERROR", e.GetType().Name + ": " + e.Message));
        }
    }

    private async ValueTask<XenValue> RunAsync(RpcCall call, CallOrigin origin)
    {
        var isAsync = call.Method.StartsWith("Async.", StringComparison.Ordinal);
        var message = FindMessage(call, isAsync, origin);
        var given = WithoutSession(call, message, out var sessionReference);
        CheckCount(message, given);
        var arguments = Type(message, given);
        var session = CheckSession(message, sessionReference);
        if (origin.Master is { } master)
            _member.Check(message, session, master);
        if (message.Removed && !StaysCallable.Contains(message.FullName))
            throw new XenException("MESSAGE_REMOVED");
        if (isAsync && !message.Async)
            throw new XenException("Fault", "No async mode for this operation (rpc: " + message.FullName + ")");
        var denied = session is null ? null : _access.Refusal(message, arguments, session) ?? _access.RefusalOfKeys(_store.Current, message, arguments, session);
        if (isAsync)
            return StartAsync(call.Method, message, session, arguments, origin, denied);
        if (denied is not null)
            throw denied.AsException();
        var result = await RunSyncAsync(message, session, sessionReference, arguments, origin);
        if (origin.Master is not null)
            _member.Note(message, result);
        return result;
    }

    private MessageDef FindMessage(RpcCall call, bool isAsync, CallOrigin origin)
    {
        var name = isAsync ? call.Method.AsSpan(6) : call.Method;
        var message = isAsync
            ? _asyncNames.TryGetValue(name, out var found) ? found : null
            : _store.Model.FindMessage(call.Method);
        if (message is not null)
            return message;

        // An unknown name might be an extension: session and role are looked at first.
        if (call.Arguments.Count > 0)
        {
            if (call.Arguments[0] is not XenString reference || _sessions.Find(reference.Text) is not { } session)
                throw Errors.SessionInvalid(call.Arguments[0].ToString()!);
            if (origin.Master is { } master)
                throw MemberGate.IsSlave(master);
            if (_access.Refusal(_extension, [], session) is { } denied)
                throw denied.AsException();
        }

        throw new XenException("MESSAGE_METHOD_UNKNOWN", name.ToString());
    }

    private static IReadOnlyList<XenValue> WithoutSession(RpcCall call, MessageDef message, out string session)
    {
        session = "";
        if (!message.NeedsSession)
            return call.Arguments;
        if (call.Arguments.Count == 0)
            throw CountMismatch(message, 0);
        session = call.Arguments[0] switch
        {
            XenString text => text.Text,
            // A client that is logging in again sends null meanwhile; it understands this answer.
            XenNil => throw Errors.SessionInvalid(Ref.Null.Text),
            _ => throw Errors.Internal("the session is no reference"),
        };
        return call.Arguments.Count == 1 ? [] : new ArraySegmentList(call.Arguments);
    }

    private static void CheckCount(MessageDef message, IReadOnlyList<XenValue> given)
    {
        // Extra arguments are ignored only where optional ones exist.
        if (given.Count < message.RequiredParameters || (given.Count > message.Parameters.Count && !message.HasOptionalParameters))
            throw CountMismatch(message, given.Count);
    }

    private static XenException CountMismatch(MessageDef message, int received) => new(
        "MESSAGE_PARAMETER_COUNT_MISMATCH",
        message.FullName,
        message.RequiredParameters.ToString(),
        received.ToString());

    private XenValue[] Type(MessageDef message, IReadOnlyList<XenValue> given)
    {
        var typed = new XenValue[message.Parameters.Count];
        for (var i = 0; i < typed.Length; i++)
        {
            var parameter = message.Parameters[i];
            if (i >= given.Count)
            {
                typed[i] = parameter.Default;
                continue;
            }

            try
            {
                typed[i] = parameter.Type.Coerce(given[i]);
                if (parameter.Type is RecordType record && _store.Model.FindClass(record.Class) is { } @class)
                    typed[i] = CreateRecord.Complete(@class, (XenStruct)typed[i], _options.StrictRecords);
            }
            catch (XenTypeException e)
            {
                throw Errors.Internal(message.FullName + ", parameter " + parameter.Name + ": " + e.Message);
            }
        }

        return typed;
    }

    private Record? CheckSession(MessageDef message, string reference) =>
        message.NeedsSession ? _sessions.Find(reference) ?? throw Errors.SessionInvalid(reference) : null;

    private string StartAsync(string name, MessageDef message, Record? session, XenValue[] arguments, CallOrigin origin, XenFailure? denied)
    {
        var task = _tasks.Create(session, name, "", origin.SubtaskOf);
        if (denied is not null)
        {
            _tasks.Fail(task, denied);
            return task;
        }

        var context = Context(session, task, origin, _tasks.Track(task));
        _ = Task.Run(async () =>
        {
            try
            {
                _tasks.Succeed(task, await ExecuteAsync(message, context, arguments));
            }
            catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
            {
                _tasks.Cancelled(task);
            }
            catch (XenException e)
            {
                _tasks.Fail(task, e.Failure);
            }
            catch (Exception e)
            {
                _options.OnUnexpected?.Invoke(name, e);
                _tasks.Fail(task, new("INTERNAL_ERROR", e.GetType().Name + ": " + e.Message));
            }
        });
        return task;
    }

    private async ValueTask<XenValue> RunSyncAsync(MessageDef message, Record? session, string sessionReference, XenValue[] arguments, CallOrigin origin)
    {
        // Calls that could be asynchronous show as a task while they run, as on a real host.
        if (!message.Async || message.Class.Name is "task" or "event")
        {
            var dummy = "DummyRef:|" + sessionReference + "|" + message.FullName;
            var cancellation = message.Class.Name == "event" ? origin.Disconnected : default;
            return await ExecuteAsync(message, new(sessionReference, session, dummy, NoProgress, cancellation) { Origin = origin }, arguments);
        }

        var task = _tasks.Create(session, message.FullName, "", origin.SubtaskOf);
        var context = Context(session, task, origin, _tasks.Track(task));
        try
        {
            return await ExecuteAsync(message, context, arguments);
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            throw new XenException("TASK_CANCELLED", task);
        }
        finally
        {
            _tasks.Discard(task);
        }
    }

    private static void NoProgress(double fraction)
    {
    }

    private CallContext Context(Record? session, string task, CallOrigin origin, CancellationToken cancellation) =>
        new(session?.Reference ?? "", session, task, f => _tasks.Progress(task, f), cancellation) { Origin = origin };

    private async ValueTask<XenValue> ExecuteAsync(MessageDef message, CallContext context, XenValue[] arguments)
    {
        if (_handlers.Find(message) is { } handler)
            return await handler(context, arguments);
        if (_refusals.Find(message) is { } refusal)
            throw Refusals.Answer(_store.Current, message, refusal, arguments);
        return message.Kind == MessageKind.Explicit
            ? throw new XenException("NOT_IMPLEMENTED", message.FullName)
            : _implicit.Answer(message, arguments);
    }

    /// <summary>The arguments behind the session, without copying them.</summary>
    private sealed class ArraySegmentList(IReadOnlyList<XenValue> all) : IReadOnlyList<XenValue>
    {
        public int Count => all.Count - 1;

        public XenValue this[int index] => all[index + 1];

        public IEnumerator<XenValue> GetEnumerator() => all.Skip(1).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

/// <param name="Address">Where the caller connects from, for originators and logs.</param>
/// <param name="SubtaskOf">Task named in the request's headers, or null.</param>
/// <param name="Disconnected">Fires when the caller is gone; only long polls look at it.</param>
public sealed record CallOrigin(string Address, string? SubtaskOf = null, bool Trusted = false, string? Master = null, CancellationToken Disconnected = default)
{
    public static CallOrigin Unknown { get; } = new("");
}

/// <param name="StrictRecords">Refuse create records that lack required members, as the real server does.</param>
/// <param name="OnUnexpected">Told of exceptions that nobody foresaw, with the message's name.</param>
public sealed record DispatcherOptions(bool StrictRecords = false, Action<string, Exception>? OnUnexpected = null);
