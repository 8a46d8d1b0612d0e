using System.Text.Json.Nodes;

namespace XapiCompat.Server.Tests.Support;

/// <summary>One way to put a call on the wire and to read its answer.</summary>
public interface IRpcWire
{
    Task<RpcAnswer> CallAsync(string method, JsonArray parameters);
}

/// <param name="Value">The result; in XML-RPC integers are text.</param>
/// <param name="Error">Code and parameters, or null on success.</param>
public sealed record RpcAnswer(JsonNode? Value, IReadOnlyList<string>? Error);
