using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using FluentAssertions;

namespace XapiCompat.Server.Tests.Support;

/// <summary>XML-RPC on <c>/</c>, written and read by the framework's XML classes; integers go as text, as clients send them.</summary>
public sealed class XmlWire(HttpClient http, string path = "/") : IRpcWire
{
    public async Task<RpcAnswer> CallAsync(string method, JsonArray parameters)
    {
        var answer = (await PostAsync(method, parameters)).AsObject();
        answer.Should().HaveCount(2);
        return answer["Status"]!.GetValue<string>() == "Success"
            ? new(answer["Value"], null)
            : new(null, [.. answer["ErrorDescription"]!.AsArray().Select(i => i!.GetValue<string>())]);
    }

    /// <summary>The one value of the answer, whatever it is.</summary>
    public async Task<JsonNode> PostAsync(string method, JsonArray parameters)
    {
        var call = new XElement(
            "methodCall",
            new XElement("methodName", method),
            new XElement("params", parameters.Select(p => new XElement("param", Encode(p)))));
        using var content = new StringContent("<?xml version=\"1.0\"?>" + call.ToString(SaveOptions.DisableFormatting), Encoding.UTF8, "text/xml");
        using var response = await http.PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(HttpStatusCode.OK, text);
        response.Content.Headers.GetValues("Content-Type").Should().Equal("text/xml");
        text.Should().StartWith("<?xml version=\"1.0\"?>");
        var root = XDocument.Parse(text, LoadOptions.PreserveWhitespace).Root!;
        root.Name.LocalName.Should().Be("methodResponse");
        return Decode(root.Elements().Single().Elements().Single().Elements().Single())!;
    }

    private static XElement Encode(JsonNode? value) => new("value", value switch
    {
        null => new XElement("nil"),
        JsonArray array => new XElement("array", new XElement("data", array.Select(Encode))),
        JsonObject map => new XElement("struct", map.Select(m => new XElement("member", new XElement("name", m.Key), Encode(m.Value)))),
        _ => EncodeScalar(value),
    });

    private static object EncodeScalar(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.True => new XElement("boolean", "1"),
        JsonValueKind.False => new XElement("boolean", "0"),
        JsonValueKind.Number when value.ToJsonString() is var text => text.Contains('.') ? new XElement("double", text) : text,
        _ => new XElement("string", value.GetValue<string>()),
    };

    private static JsonNode? Decode(XElement value)
    {
        if (value.Elements().FirstOrDefault() is not { } typed)
            return JsonValue.Create(value.Value);
        return typed.Name.LocalName switch
        {
            "boolean" => JsonValue.Create(typed.Value == "1"),
            "double" => JsonValue.Create(double.Parse(typed.Value, CultureInfo.InvariantCulture)),
            "i4" => JsonValue.Create(int.Parse(typed.Value, CultureInfo.InvariantCulture)),
            "dateTime.iso8601" => JsonValue.Create(typed.Value),
            "array" => new JsonArray([.. typed.Element("data")!.Elements().Select(Decode)]),
            "struct" => new JsonObject(typed.Elements().Select(m => KeyValuePair.Create(m.Element("name")!.Value, Decode(m.Element("value")!)))),
            var other => throw new InvalidDataException("a server never sends <" + other + ">"),
        };
    }
}
