using System.Buffers;
using System.Text.Json;
using XapiCompat.Disks.Files;

namespace XapiCompat.Storage.Iso;

/// <summary>
/// What is known of an image that a client created, in a hidden file beside it. An image without one was put there by somebody
/// else and is read only.
/// </summary>
internal sealed record IsoNote(Guid Uuid, string Name, string Description, bool Sharable, IReadOnlyDictionary<string, string> Keys)
{
    public static string PathOf(string directory, string file) => Path.Combine(directory, "." + file + ".note");

    /// <summary>Null without a note; one that cannot be read counts as none.</summary>
    public static IsoNote? TryRead(string directory, string file)
    {
        var path = PathOf(directory, file);
        if (DirectPath.Find(path) is not { IsPlain: true })
            return null;
        try
        {
            using var document = JsonDocument.Parse(DirectPath.ReadAllBytes(path));
            var root = document.RootElement;
            return new(
                root.GetProperty("uuid").GetGuid(),
                root.GetProperty("name").GetString() ?? "",
                root.GetProperty("description").GetString() ?? "",
                root.GetProperty("sharable").GetBoolean(),
                root.GetProperty("keys").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString() ?? "", StringComparer.Ordinal));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public void Write(string directory, string file)
    {
        var path = PathOf(directory, file);
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString("uuid", Uuid);
            writer.WriteString("name", Name);
            writer.WriteString("description", Description);
            writer.WriteBoolean("sharable", Sharable);
            writer.WriteStartObject("keys");
            foreach (var (key, value) in Keys)
                writer.WriteString(key, value);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        using (var note = DirectPath.Open(path + ".new", FileMode.Create, FileAccess.ReadWrite))
            RandomAccess.Write(note, text.WrittenSpan, 0);
        DirectPath.Move(path + ".new", path);
    }
}
