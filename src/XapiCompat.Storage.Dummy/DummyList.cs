using System.Text.Json;

namespace XapiCompat.Storage.Dummy;

/// <summary>The volumes of one SR, in memory and in a file that is there as long as there are some.</summary>
internal sealed class DummyList
{
    private readonly string _path;
    private readonly Dictionary<string, DummyVolume> _volumes;

    public DummyList(string path)
    {
        _path = path;
        _volumes = Read(path).ToDictionary(v => v.Key, StringComparer.Ordinal);
    }

    public IReadOnlyCollection<DummyVolume> All => _volumes.Values;

    public DummyVolume? Find(string key) => _volumes.GetValueOrDefault(key);

    public void Put(DummyVolume volume)
    {
        _volumes[volume.Key] = volume;
        Save();
    }

    public bool Remove(string key)
    {
        if (!_volumes.Remove(key))
            return false;
        Save();
        return true;
    }

    private void Save()
    {
        if (_volumes.Count == 0)
        {
            File.Delete(_path);
            return;
        }

        using (var stream = File.Create(_path + ".new"))
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartArray();
            foreach (var volume in _volumes.Values)
                Write(writer, volume);
            writer.WriteEndArray();
        }

        File.Move(_path + ".new", _path, overwrite: true);
    }

    private static void Write(Utf8JsonWriter writer, DummyVolume volume)
    {
        writer.WriteStartObject();
        writer.WriteString("uuid", volume.Uuid);
        writer.WriteString("name", volume.Name);
        writer.WriteString("description", volume.Description);
        writer.WriteBoolean("readWrite", volume.ReadWrite);
        writer.WriteBoolean("sharable", volume.Sharable);
        writer.WriteNumber("size", volume.Size);
        writer.WriteString("data", volume.DataId);
        writer.WriteStartObject("keys");
        foreach (var (key, value) in volume.Keys)
            writer.WriteString(key, value);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static List<DummyVolume> Read(string path)
    {
        if (!File.Exists(path))
            return [];
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. document.RootElement.EnumerateArray().Select(Read)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new StorageException(StorageFault.SrUnavailable, "the SR cannot be used [opterr=its list cannot be read]", e);
        }
    }

    private static DummyVolume Read(JsonElement entry) => new(
        entry.GetProperty("uuid").GetGuid(),
        entry.GetProperty("name").GetString() ?? "",
        entry.GetProperty("description").GetString() ?? "",
        entry.GetProperty("readWrite").GetBoolean(),
        entry.GetProperty("sharable").GetBoolean(),
        entry.GetProperty("size").GetInt64(),
        entry.GetProperty("data").GetGuid(),
        entry.GetProperty("keys").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString() ?? "", StringComparer.Ordinal));
}
