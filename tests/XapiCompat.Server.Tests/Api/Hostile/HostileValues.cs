using System.Text.Json.Nodes;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Hostile;

/// <summary>Values that are no value of a type, and values of a type that no sane client sends.</summary>
internal static class HostileValues
{
    private static readonly string[] Texts =
    [
        "", " ", "\u0001\u0002", "\uFFFD", "<value>&lt;", "]]>", "%s%n", "{0}", "'; DROP TABLE objects; --", "../../../../etc/passwd", "/dev/zero",
        "OpaqueRef:NULL", "OpaqueRef:", "null", "NaN", "-1", "1e309", "99999999999999999999", "\U0001F4A3", new string('x', 5000), "a\nb\r\nc\td",
    ];

    private static readonly long[] Numbers = [0, -1, 1, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue, 1L << 53];

    /// <summary>Values that the type refuses.</summary>
    public static IEnumerable<JsonNode?> NotOf(XenType type) => type switch
    {
        StringType or RefType => [new JsonArray(), JsonArguments.Map(("a", "b")), null],
        IntType => ["twelve", new JsonArray(), JsonArguments.Map(), true],
        FloatType => ["much", new JsonArray(), JsonArguments.Map()],
        BoolType => ["yes", new JsonArray(), JsonArguments.Map()],
        DateTimeType => ["yesterday", new JsonArray(), JsonArguments.Map()],
        EnumType => ["no such member", new JsonArray(), 7],
        SetType => ["text", 1, true],
        MapType => ["text", 1, true],
        RecordType => ["text", 1, true],
        _ => [],
    };

    /// <summary>A value of the type, chosen to do harm.</summary>
    public static JsonNode? Of(XenType type, Random random, IReadOnlyList<string> references) => type switch
    {
        StringType => Texts[random.Next(Texts.Length)],
        IntType => Numbers[random.Next(Numbers.Length)],
        FloatType => random.Next(3) switch { 0 => -1.5, 1 => 1e300, _ => 0.0 },
        BoolType => random.Next(2) == 0,
        DateTimeType => random.Next(2) == 0 ? "19700101T00:00:00Z" : "99991231T23:59:59Z",
        EnumType e => e.Members[random.Next(e.Members.Count)],
        RefType => references[random.Next(references.Count)],
        SetType set => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Of(set.Item, random, references))]),
        MapType map => Map(map, random, references),
        RecordType => Map(new MapType(new StringType(), new StringType()), random, references),
        OptionType => null,
        _ => JsonArguments.Of(type.Empty),
    };

    private static JsonObject Map(MapType type, Random random, IReadOnlyList<string> references)
    {
        var map = new JsonObject();
        for (var i = random.Next(4); i > 0; i--)
            map[Of(type.Key, random, references)!.ToString()] = Of(type.Item, random, references);
        return map;
    }
}
