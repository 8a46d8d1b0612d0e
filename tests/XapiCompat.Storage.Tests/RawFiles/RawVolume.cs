using System.Text.Json;
using System.Text.Json.Nodes;

namespace XapiCompat.Storage.Tests.RawFiles;

/// <summary>One volume: <c>lun-N.raw</c> and what is known of it in <c>lun-N.json</c>.</summary>
internal sealed class RawVolume(string directory, string key, Guid uuid)
{
    public string Key { get; } = key;

    public Guid Uuid { get; } = uuid;

    public string Name { get; set; } = "";

    public string Description { get; set; } = "";

    public bool Sharable { get; init; }

    public Guid DataId { get; set; } = Guid.NewGuid();

    /// <summary>Somebody has seen <see cref="DataId"/>: the next write gives another.</summary>
    public bool Observed { get; set; } = true;

    public Dictionary<string, string> Keys { get; } = [];

    public string DataPath { get; } = Path.Combine(directory, key + ".raw");

    private string InfoPath { get; } = Path.Combine(directory, key + ".json");

    public VolumeInfo Info()
    {
        lock (this)
        {
            Observed = true;
            return NewInfo();
        }
    }

    private VolumeInfo NewInfo() => new(
        Key, Uuid, Name, Description, ReadWrite: true, Sharable, new FileInfo(DataPath).Length, new FileInfo(DataPath).Length,
        Managed: true, DataId, new Dictionary<string, string>(), new Dictionary<string, string>(Keys));

    public void Save()
    {
        var keys = new JsonObject();
        foreach (var (name, value) in Keys)
            keys[name] = value;
        var info = new JsonObject
        {
            ["uuid"] = Uuid,
            ["name"] = Name,
            ["description"] = Description,
            ["sharable"] = Sharable,
            ["data"] = DataId,
            ["keys"] = keys,
        };
        File.WriteAllText(InfoPath + ".tmp", info.ToJsonString());
        File.Move(InfoPath + ".tmp", InfoPath, overwrite: true);
    }

    public void Delete()
    {
        File.Delete(InfoPath);
        File.Delete(DataPath);
    }

    public static RawVolume Load(string directory, string key)
    {
        using var info = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, key + ".json")));
        var root = info.RootElement;
        var volume = new RawVolume(directory, key, root.GetProperty("uuid").GetGuid())
        {
            Name = root.GetProperty("name").GetString()!,
            Description = root.GetProperty("description").GetString()!,
            Sharable = root.GetProperty("sharable").GetBoolean(),
            DataId = root.GetProperty("data").GetGuid(),
        };
        foreach (var pair in root.GetProperty("keys").EnumerateObject())
            volume.Keys[pair.Name] = pair.Value.GetString()!;
        return volume;
    }
}
