using System.Collections;
using System.Text.Json.Nodes;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Arguments of calls as JSON, from the plain values that tests write.</summary>
public static class JsonArguments
{
    public static JsonNode? Of(object? value) => value switch
    {
        null => null,
        JsonNode node => node.DeepClone(),
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        int number => JsonValue.Create(number),
        long number => JsonValue.Create(number),
        double number => JsonValue.Create(number),
        XenInt number => JsonValue.Create(number.Number),
        XenDouble number => JsonValue.Create(number.Number),
        XenBool flag => JsonValue.Create(flag.Flag),
        XenArray array => Array(array.Items),
        XenStruct map => new JsonObject(map.Names.Zip(map.Values, (n, v) => KeyValuePair.Create(n, Of(v)))),
        XenValue other => JsonValue.Create(other.ToString()),
        IEnumerable<KeyValuePair<string, object?>> map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key, Of(p.Value)))),
        IEnumerable<KeyValuePair<string, string>> map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key, Of(p.Value)))),
        IEnumerable items => Array(items.Cast<object?>()),
        _ => throw new ArgumentException("no JSON for " + value.GetType()),
    };

    public static JsonArray Array(IEnumerable<object?> items) => new([.. items.Select(Of)]);

    /// <summary>A map or record of named members.</summary>
    public static JsonObject Map(params (string Name, object? Value)[] members) =>
        new(members.Select(m => KeyValuePair.Create(m.Name, Of(m.Value))));
}
