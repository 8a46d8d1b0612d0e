using System.Text.Json.Nodes;
using FluentAssertions;

namespace XapiCompat.Server.Tests.Support;

/// <summary>A logged-in client over one of the wires; the session goes first in every call.</summary>
public sealed class XenClient(IRpcWire wire, string session)
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    public IRpcWire Wire { get; } = wire;

    public string Session { get; } = session;

    public static async Task<XenClient> LoginAsync(IRpcWire wire, string user = "root", string password = ServerOptions.DefaultPassword)
    {
        var answer = await wire.CallAsync("session.login_with_password", [user, password]);
        return new(wire, answer.Value!.GetValue<string>());
    }

    public async Task<RpcAnswer> AnswerAsync(string method, params object?[] arguments) =>
        await Wire.CallAsync(method, JsonArguments.Array([Session, .. arguments]));

    /// <summary>The result, or an <see cref="ApiFailure"/>.</summary>
    public async Task<JsonNode> CallAsync(string method, params object?[] arguments)
    {
        var answer = await AnswerAsync(method, arguments);
        return answer.Error is null ? answer.Value! : throw new ApiFailure(method, answer.Error);
    }

    public async Task<string> TextAsync(string method, params object?[] arguments) => (await CallAsync(method, arguments)).GetValue<string>();

    public async Task<bool> FlagAsync(string method, params object?[] arguments) => (await CallAsync(method, arguments)).GetValue<bool>();

    public async Task<IReadOnlyList<string>> ListAsync(string method, params object?[] arguments) =>
        [.. (await CallAsync(method, arguments)).AsArray().Select(i => i!.GetValue<string>())];

    public async Task<JsonObject> RecordAsync(string @class, string reference) =>
        (await CallAsync(@class + ".get_record", reference)).AsObject();

    /// <summary>Code and parameters of a call that must fail.</summary>
    public async Task<IReadOnlyList<string>> ErrorAsync(string method, params object?[] arguments)
    {
        var answer = await AnswerAsync(method, arguments);
        answer.Error.Should().NotBeNull(method + " should fail, but answered " + answer.Value?.ToJsonString());
        return answer.Error!;
    }

    /// <summary>Starts an Async call and returns its task's record as soon as it is not pending.</summary>
    public async Task<JsonObject> FinishedTaskAsync(string method, params object?[] arguments) =>
        await FinishedAsync(await TextAsync(method, arguments));

    public async Task<JsonObject> FinishedAsync(string task)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (true)
        {
            var record = await RecordAsync("task", task);
            if (record["status"]!.GetValue<string>() is not "pending")
                return record;
            await Task.Delay(5, cap.Token);
        }
    }
}
