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
                return element.GetArrayLength() == 0 ? XenArray.Empty : new XenArray([.. element.EnumerateArray().Select(Read)]);
            case JsonValueKind.Object:
                var members = element.EnumerateObject().ToList();
                return members.Count == 0
                    ? XenStruct.Empty
                    : new XenStruct([.. members.Select(m => m.Name)], [.. members.Select(m => Read(m.Value))]);
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
}
