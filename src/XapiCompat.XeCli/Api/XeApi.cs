using XapiCompat.Values;

namespace XapiCompat.XeCli.Api;

/// <summary>
/// API calls in the session of a command. A refusal of the API is a <see cref="XenException"/>, which the interpreter
/// prints in the documented form; commands let it pass.
/// </summary>
/// <param name="invoke">The dispatcher.</param>
/// <param name="session">Reference of the session; goes first into every call.</param>
public sealed class XeApi(Func<RpcCall, ValueTask<RpcResult>> invoke, string session)
{
    public string Session { get; } = session;

    /// <summary>The same API in another session.</summary>
    public XeApi In(string other) => new(invoke, other);

    public async Task<XenValue> CallAsync(string message, params IEnumerable<XenValue> arguments)
    {
        var result = await invoke(new(message, [Session, .. arguments]));
        return result.Failure is { } failure ? throw failure.AsException() : result.Value!;
    }

    /// <summary>A call whose result is text: a reference, a uuid, a name.</summary>
    public async Task<string> TextAsync(string message, params IEnumerable<XenValue> arguments) =>
        ((XenString)await CallAsync(message, arguments)).Text;

    /// <summary>A call whose result is a set of references or names.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(string message, params IEnumerable<XenValue> arguments) =>
        [.. ((XenArray)await CallAsync(message, arguments)).Items.Select(i => i.ToString()!)];

    /// <summary>Reference of the object with that uuid; UUID_INVALID when there is none.</summary>
    public Task<string> ByUuidAsync(string @class, string uuid) => TextAsync(@class + ".get_by_uuid", uuid);

    public Task<string> UuidAsync(string @class, string reference) => TextAsync(@class + ".get_uuid", reference);

    public async Task<XenStruct> RecordAsync(string @class, string reference) =>
        (XenStruct)await CallAsync(@class + ".get_record", reference);

    /// <summary>All records of a class, by reference, in the order of the answer.</summary>
    public async Task<IReadOnlyList<KeyValuePair<string, XenStruct>>> RecordsAsync(string @class)
    {
        var all = (XenStruct)await CallAsync(@class + ".get_all_records");
        return [.. all.Names.Zip(all.Values, (name, value) => KeyValuePair.Create(name, (XenStruct)value))];
    }

    /// <summary>What a task failed with; <paramref name="unsaid"/> when it does not say.</summary>
    public async Task<XenException> TaskErrorAsync(string task, XenFailure unsaid)
    {
        var error = await ListAsync("task.get_error_info", task);
        return (error.Count > 0 ? new XenFailure(error[0], [.. error.Skip(1)]) : unsaid).AsException();
    }
}
