using System.Text.Json;
using XapiCompat.Values;

namespace XapiCompat.Datamodel;

/// <summary>Values in plain JSON: defaults in xapi-spec, inventory files and stored rows.</summary>
public static class JsonValues
{
    public static XenValue Read(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return XenString.Of(element.GetString()!);
            case JsonValueKind.Number:
                return element.TryGetInt64(out var number) ? XenInt.Of(number) : new XenDouble(element.GetDouble());
            case JsonValueKind.True:
                return XenBool.True;
            case JsonValueKind.False:
                return XenBool.False;
            case JsonValueKind.Array:
                var items = new List<XenValue>(element.GetArrayLength());
                foreach (var item in element.EnumerateArray())
                    items.Add(Read(item));
                return Array(items);
            case JsonValueKind.Object:
                var names = new List<string>();
                var values = new List<XenValue>();
                foreach (var member in element.EnumerateObject())
                {
                    names.Add(member.Name);
                    values.Add(Read(member.Value));
                }

                return Struct(names, values);
            default:
                return XenNil.Instance;
        }
    }

    /// <summary>The value that begins where the reader stands; the reader ends at its last token.</summary>
    public static XenValue Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return XenString.Of(reader.GetString()!);
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var number) ? XenInt.Of(number) : new XenDouble(reader.GetDouble());
            case JsonTokenType.True:
                return XenBool.True;
            case JsonTokenType.False:
                return XenBool.False;
            case JsonTokenType.StartArray:
                var items = new List<XenValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Read(ref reader));
                return Array(items);
            case JsonTokenType.StartObject:
                var names = new List<string>();
                var values = new List<XenValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    names.Add(reader.GetString()!);
                    reader.Read();
                    values.Add(Read(ref reader));
                }

                return Struct(names, values);
            default:
                return XenNil.Instance;
        }
    }

    public static void Write(Utf8JsonWriter writer, XenValue value)
    {
        switch (value)
        {
            case XenInt number:
                writer.WriteNumberValue(number.Number);
                break;
            case XenInt32 number:
                writer.WriteNumberValue(number.Number);
                break;
            case XenDouble number when double.IsFinite(number.Number):
                writer.WriteNumberValue(number.Number);
                break;
            case XenBool flag:
                writer.WriteBooleanValue(flag.Flag);
                break;
            case XenNil:
                writer.WriteNullValue();
                break;
            case XenArray array:
                writer.WriteStartArray();
                foreach (var item in array.Items)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case XenStruct map:
                writer.WriteStartObject();
                for (var i = 0; i < map.Count; i++)
                {
                    writer.WritePropertyName(map.Names[i]);
                    Write(writer, map.Values[i]);
                }

                writer.WriteEndObject();
                break;
            default:
                writer.WriteStringValue(value.ToString());
                break;
        }
    }

    private static XenArray Array(List<XenValue> items) => items.Count == 0 ? XenArray.Empty : new XenArray(items.ToArray());

    private static XenStruct Struct(List<string> names, List<XenValue> values) =>
        names.Count == 0 ? XenStruct.Empty : new XenStruct(names.ToArray(), values.ToArray());
}
