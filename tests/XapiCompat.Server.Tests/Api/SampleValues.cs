using System.Text.Json.Nodes;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Well-typed values for messages that are called without regard to their meaning.</summary>
internal static class SampleValues
{
    /// <summary>A reference of nothing.</summary>
    public const string Nowhere = "OpaqueRef:00000000-0000-4000-8000-00000000dead";

    public static JsonNode? Neutral(XenType type) => type switch
    {
        RefType => JsonValue.Create(Nowhere),
        OptionType => null,
        _ => JsonArguments.Of(type.Empty),
    };

    public static object?[] NeutralArguments(MessageDef message) => [.. message.Parameters.Select(p => Neutral(p.Type))];

    /// <summary>A value of the type that differs from <paramref name="current"/>, or null when there is none.</summary>
    public static JsonNode? OtherThan(XenType type, JsonNode? current) => type switch
    {
        StringType => current!.GetValue<string>() + " changed",
        IntType => current!.GetValue<long>() + 1,
        FloatType => current!.GetValue<double>() + 0.5,
        BoolType => !current!.GetValue<bool>(),
        DateTimeType => "20200229T12:34:56Z",
        EnumType e => e.Members.FirstOrDefault(m => m != current!.GetValue<string>()) is { } other ? JsonValue.Create(other) : null,
        RefType => JsonValue.Create(Nowhere),
        SetType set => JsonArguments.Array([Item(set.Item)]),
        MapType map => JsonArguments.Map((Item(map.Key).ToString(), Item(map.Item))),
        _ => throw new NotSupportedException(type.Describe()),
    };

    /// <summary>A set member, map key or map value.</summary>
    public static JsonNode Item(XenType type) => type switch
    {
        StringType => "walked",
        IntType => 7,
        EnumType e => e.Members[^1],
        RefType => Nowhere,
        SetType set => JsonArguments.Array([Item(set.Item)]),
        MapType map => JsonArguments.Map((Item(map.Key).ToString(), Item(map.Item))),
        _ => JsonArguments.Of(type.Empty)!,
    };

    /// <summary>A create record of all required members with their types' empty values.</summary>
    public static JsonObject CreateRecord(ClassDef @class) =>
        new(@class.RequiredMembers.Select(m => KeyValuePair.Create(m, JsonArguments.Of(@class.Find(m)!.Type.Empty))));

    public static bool Same(JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(a, b);
}
