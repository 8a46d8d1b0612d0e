using System.Text.Json;

namespace XapiCompat.Core.Services;

/// <summary>
/// What a host knows about itself beside its record (a real host keeps it in local files): text by host uuid and key, in
/// one small JSON file. Every change is on disk before it is visible.
/// </summary>
public sealed class HostSettings
{
    /// <summary>True while the host was told to stay disabled until it boots again.</summary>
    public const string DisabledUntilReboot = "host_disabled_until_reboot";

    /// <summary>False when only a user may enable the host again.</summary>
    public const string AutoEnable = "host_auto_enable";

    /// <summary>Seconds by which the host's clock differs from this machine's.</summary>
    public const string ClockOffset = "clock_offset";

    public const string SchedulerGranularity = "sched_gran";

    /// <summary>Data sources that are not recorded, by name, separated by commas.</summary>
    public const string DataSourcesOff = "data_sources_off";

    private readonly Lock _writer = new();
    private readonly string _path;
    private volatile IReadOnlyDictionary<string, string> _values;

    public HostSettings(string path)
    {
        _path = path;
        _values = Read(path);
    }

    public string? Get(string host, string key) => _values.GetValueOrDefault(host + "/" + key);

    /// <summary>Null removes the setting.</summary>
    public void Set(string host, string key, string? value)
    {
        lock (_writer)
        {
            var next = new SortedDictionary<string, string>(new Dictionary<string, string>(_values), StringComparer.Ordinal);
            if (value is null)
                next.Remove(host + "/" + key);
            else
                next[host + "/" + key] = value;
            Write(next);
            _values = next;
        }
    }

    private static Dictionary<string, string> Read(string path)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path))
            return values;
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        foreach (var member in document.RootElement.EnumerateObject())
            values[member.Name] = member.Value.GetString()!;
        return values;
    }

    private void Write(IReadOnlyDictionary<string, string> values)
    {
        using (var file = File.Create(_path + ".new"))
        using (var writer = new Utf8JsonWriter(file, new() { Indented = true }))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in values)
                writer.WriteString(name, value);
            writer.WriteEndObject();
        }

        File.Move(_path + ".new", _path, overwrite: true);
    }
}
