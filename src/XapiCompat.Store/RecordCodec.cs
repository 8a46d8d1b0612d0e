using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>
/// The stored form of a record: a JSON object of the fields that differ from their defaults, in the order of the class.
/// Reading shares equal values between records: thousands of VMs have the same platform.
/// </summary>
internal sealed class RecordCodec
{
    private const int SharedValues = 1 << 13;
    private const int LongestShared = 4096;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly (byte[] Json, XenType Type, XenValue Value)[] _shared = new (byte[], XenType, XenValue)[SharedValues];
    private readonly Dictionary<ClassDef, Layout> _layouts = [];
    private readonly List<NamedClass> _classes = [];
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 14);

    /// <summary>The class of a name as rows have it, or null for one that the model does not know.</summary>
    public ClassDef? ClassOf(Model model, ReadOnlySpan<byte> name)
    {
        foreach (var known in _classes)
        {
            if (name.SequenceEqual(known.Name))
                return known.Class;
        }

        var found = model.FindClass(Encoding.UTF8.GetString(name));
        _classes.Add(new(name.ToArray(), found));
        return found;
    }

    /// <summary>Valid until the next call.</summary>
    public ReadOnlySpan<byte> Encode(Record record)
    {
        _buffer.ResetWrittenCount();
        using var writer = new Utf8JsonWriter(_buffer, Plain);
        writer.WriteStartObject();
        foreach (var stored in LayoutOf(record.Class).Stored)
        {
            if (record[stored.Field].Equals(stored.Field.Default))
                continue;
            writer.WritePropertyName(stored.Name);
            JsonValues.Write(writer, record[stored.Field]);
        }

        writer.WriteEndObject();
        writer.Flush();
        return _buffer.WrittenSpan;
    }

    /// <summary>Fields that are not there have their defaults, also those that a later datamodel added.</summary>
    public XenValue[] Decode(ClassDef definition, ReadOnlySpan<byte> json)
    {
        var layout = LayoutOf(definition);
        var values = (XenValue[])layout.Defaults.Clone();
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var next = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Find(layout, ref reader, ref next);
            reader.Read();
            if (field is null)
                reader.Skip();
            else
                values[field.Index] = Value(ref reader, json, field.Type);
        }

        return values;
    }

    /// <summary>Fields come in their order, so the next one is near.</summary>
    private static FieldDef? Find(Layout layout, ref Utf8JsonReader reader, ref int next)
    {
        for (var i = 0; i < layout.Stored.Length; i++)
        {
            var at = next + i < layout.Stored.Length ? next + i : next + i - layout.Stored.Length;
            if (!reader.ValueTextEquals(layout.Stored[at].Name.EncodedUtf8Bytes))
                continue;
            next = at + 1;
            return layout.Stored[at].Field;
        }

        return null;
    }

    private XenValue Value(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, XenType type)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.True:
                return type.Coerce(XenBool.True);
            case JsonTokenType.False:
                return type.Coerce(XenBool.False);
            case JsonTokenType.Number when type is IntType && reader.TryGetInt64(out var number):
                return XenInt.Of(number);
            case JsonTokenType.String when type is RefType or StringType && reader.ValueSpan.Length is 36 or 46:
                // Uuids and references are hardly ever met twice.
                return XenString.Of(reader.GetString()!);
        }

        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        var text = json[start..(int)reader.BytesConsumed];
        if (text.Length > LongestShared)
            return Parse(text, type);
        ref var slot = ref _shared[Hash(text) & (SharedValues - 1)];
        if (slot.Json is not null && ReferenceEquals(slot.Type, type) && text.SequenceEqual(slot.Json))
            return slot.Value;
        var value = reader.TokenType == JsonTokenType.String ? type.Coerce(XenString.Of(reader.GetString()!)) : Parse(text, type);
        slot = (text.ToArray(), type, value);
        return value;
    }

    private static XenValue Parse(ReadOnlySpan<byte> json, XenType type)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return type.Coerce(JsonValues.Read(ref reader));
    }

    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    private Layout LayoutOf(ClassDef definition)
    {
        if (!_layouts.TryGetValue(definition, out var layout))
            _layouts[definition] = layout = new(definition);
        return layout;
    }

    private sealed class Layout(ClassDef definition)
    {
        public XenValue[] Defaults { get; } = [.. definition.Fields.Select(f => f.Computed ? XenArray.Empty : f.Default)];

        public StoredField[] Stored { get; } =
            [.. definition.Fields.Where(f => f.Persist && !f.Computed).Select(f => new StoredField(f, JsonEncodedText.Encode(f.Name)))];
    }

    private sealed record StoredField(FieldDef Field, JsonEncodedText Name);

    private sealed record NamedClass(byte[] Name, ClassDef? Class);
}
