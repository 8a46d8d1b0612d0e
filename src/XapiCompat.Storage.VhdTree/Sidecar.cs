using System.Buffers;
using System.Text.Json;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The text form of <see cref="VolumeMeta"/>: a small JSON object in <c>&lt;uuid&gt;.meta</c> beside the VHD.</summary>
internal static class Sidecar
{
    public static ReadOnlyMemory<byte> Write(VolumeMeta meta)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("name", meta.Name);
            writer.WriteString("description", meta.Description);
            writer.WriteBoolean("sharable", meta.Sharable);
            if (meta.DataId is { } data)
                writer.WriteString("data_id", data);
            writer.WriteStartObject("keys");
            foreach (var (key, value) in meta.Keys)
                writer.WriteString(key, value);
            writer.WriteEndObject();
            if (meta.Shown is { } shown)
            {
                writer.WriteString("shown_for", shown.UniqueId);
                writer.WriteString("shown_as", shown.Name);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Null when the text is not a sidecar; unknown members are ignored.</summary>
    public static VolumeMeta? TryRead(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            var keys = VolumeMeta.None.Keys.ToBuilder();
            foreach (var pair in root.GetProperty("keys").EnumerateObject())
                keys[pair.Name] = pair.Value.GetString() ?? "";
            return new VolumeMeta(
                root.GetProperty("name").GetString() ?? "",
                root.GetProperty("description").GetString() ?? "",
                root.GetProperty("sharable").GetBoolean(),
                keys.ToImmutable())
            {
                DataId = root.TryGetProperty("data_id", out var data) && data.TryGetGuid(out var id) ? id : null,
                Shown = root.TryGetProperty("shown_for", out var uniqueId) && root.TryGetProperty("shown_as", out var name) ? (uniqueId.GetGuid(), name.GetGuid()) : null,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
