using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FluentAssertions;

namespace XapiCompat.Server.Tests.Support;

/// <summary>JSON-RPC 2.0 (or 1.0) on <c>/jsonrpc</c>; every answer's envelope is checked on the way.</summary>
public sealed class JsonWire(HttpClient http, bool version1 = false) : IRpcWire
{
    private int _id;

    public async Task<RpcAnswer> CallAsync(string method, JsonArray parameters)
    {
        var id = Interlocked.Increment(ref _id);
        var call = new JsonObject { ["method"] = method, ["params"] = parameters, ["id"] = id };
        if (!version1)
            call["jsonrpc"] = "2.0";
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(call.ToJsonString()));
        using var response = await http.PostAsync("/jsonrpc", content);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(HttpStatusCode.OK, text);
        response.Content.Headers.GetValues("Content-Type").Should().Equal("application/json");
        var answer = JsonNode.Parse(text)!.AsObject();
        answer["id"]!.GetValue<int>().Should().Be(id);
        return version1 ? Version1(answer) : Version2(answer);
    }

    private static RpcAnswer Version1(JsonObject answer)
    {
        Members(answer).Should().Be("error id result");
        return answer["error"] is { } error ? new(null, Texts(error)) : new(answer["result"], null);
    }

    private static RpcAnswer Version2(JsonObject answer)
    {
        answer["jsonrpc"]!.GetValue<string>().Should().Be("2.0");
        if (answer["error"] is not { } error)
        {
            Members(answer).Should().Be("id jsonrpc result");
            return new(answer["result"], null);
        }

        Members(answer).Should().Be("error id jsonrpc");
        error["code"]!.GetValue<int>().Should().Be(1);
        return new(null, [error["message"]!.GetValue<string>(), .. Texts(error["data"]!)]);
    }

    /// <summary>As one text: comparing sets costs more than the call.</summary>
    private static string Members(JsonObject answer) => string.Join(' ', answer.Select(m => m.Key).Order(StringComparer.Ordinal));

    private static IReadOnlyList<string> Texts(JsonNode array) => [.. array.AsArray().Select(i => i!.GetValue<string>())];
}
