using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Tests.Support;

/// <summary>An API with objects in memory: the messages that only read, logins, and a list of all calls.</summary>
internal sealed class FakeApi(Model model)
{
    private readonly Dictionary<string, Dictionary<string, XenStruct>> _objects = new(StringComparer.Ordinal);
    private int _next;

    /// <summary>Messages called, with their arguments behind the session.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Answers of single messages, in place of what the fake knows.</summary>
    public Dictionary<string, Func<IReadOnlyList<XenValue>, RpcResult>> Answers { get; } = new(StringComparer.Ordinal);

    public string Password { get; set; } = "secret";

    /// <summary>Adds an object with the defaults of its class, and returns its reference.</summary>
    public string Add(string @class, params (string Field, XenValue Value)[] fields)
    {
        var definition = model.Class(@class);
        var id = new Guid(++_next, 0, 0, new byte[8]);
        var given = fields.ToDictionary(f => f.Field, f => f.Value, StringComparer.Ordinal);
        given.TryAdd("uuid", UuidOf(_next));
        var visible = definition.Fields.Where(f => !f.Internal).ToList();
        var record = new XenStruct([.. visible.Select(f => f.Name)], [.. visible.Select(f => given.GetValueOrDefault(f.Name, f.Default))]);
        if (!_objects.TryGetValue(@class, out var all))
            _objects.Add(@class, all = []);
        all.Add(Ref.Of(id).Text, record);
        return Ref.Of(id).Text;
    }

    public static string UuidOf(int number) => $"00000000-0000-0000-0000-{number:D12}";

    public string UuidOf(string reference) => _objects.Values.SelectMany(o => o).Single(o => o.Key == reference).Value["uuid"]!.ToString()!;

    public ValueTask<RpcResult> InvokeAsync(RpcCall call)
    {
        var arguments = call.Arguments.Skip(1).ToList();
        if (call.Method.StartsWith("session.", StringComparison.Ordinal))
            return new(Session(call));
        Calls.Add(call.Method + "(" + string.Join(", ", arguments.Select(Show)) + ")");
        if (Answers.TryGetValue(call.Method, out var answer))
            return new(answer(arguments));
        var dot = call.Method.IndexOf('.', StringComparison.Ordinal);
        return new(Answer(call.Method[..dot], call.Method[(dot + 1)..], arguments));
    }

    private RpcResult Session(RpcCall call)
    {
        Calls.Add(call.Method + "(" + string.Join(", ", call.Arguments.Select(Show)) + ")");
        if (!call.Method.Contains("login", StringComparison.Ordinal))
            return RpcResult.Success(XenValue.Void);
        var trusted = call.Arguments[0].ToString()!.Length == 0 && Password.Length == 0;
        return trusted || call.Arguments[1].ToString() == Password
            ? RpcResult.Success("OpaqueRef:session")
            : RpcResult.Fail(new("SESSION_AUTHENTICATION_FAILED", call.Arguments[0].ToString()!, "no"));
    }

    private RpcResult Answer(string @class, string message, List<XenValue> arguments)
    {
        var objects = _objects.GetValueOrDefault(@class, []);
        switch (message)
        {
            case "get_all_records":
                return RpcResult.Success(new XenStruct([.. objects.Keys], [.. objects.Values]));
            case "get_record":
                return objects.TryGetValue(arguments[0].ToString()!, out var record)
                    ? RpcResult.Success(record)
                    : RpcResult.Fail(new("HANDLE_INVALID", @class, arguments[0].ToString()!));
            case "get_by_uuid":
                return objects.FirstOrDefault(o => o.Value["uuid"]!.ToString() == arguments[0].ToString()) is { Key: { } reference }
                    ? RpcResult.Success(reference)
                    : RpcResult.Fail(new("UUID_INVALID", @class, arguments[0].ToString()!));
            case "get":
                return RpcResult.Success(XenStruct.Empty);
            default:
                return message.StartsWith("get_", StringComparison.Ordinal) || message.StartsWith("query_", StringComparison.Ordinal)
                    ? RpcResult.Fail(new("NOT_IMPLEMENTED", @class + "." + message))
                    : RpcResult.Success(XenValue.Void);
        }
    }

    private static string Show(XenValue value) => value switch
    {
        XenArray array => "[" + string.Join("; ", array.Items.Select(Show)) + "]",
        XenStruct map => "{" + string.Join("; ", map.Names.Zip(map.Values, (n, v) => n + ": " + Show(v))) + "}",
        _ => value.ToString()!,
    };
}
