using System.Collections.Concurrent;
using System.Globalization;

namespace XapiCompat.Storage;

/// <summary>A volume that exists for clients and has no file yet: all zeros, never used.</summary>
/// <param name="Size">Bytes; must be a size that the plugin does not round.</param>
public sealed record PlannedVolume(Guid Uuid, long Size, string Name, string Description);

/// <summary>
/// Plans of volumes by SR, kept as files: tens of thousands of disks can be had at once, and the SR's plugin makes each
/// when it is first used. A plan is a list of volumes and a list of those that were made, which only grows.
/// </summary>
/// <param name="directory">Made when needed.</param>
/// <param name="durable">Sync to disk what was made before it is used.</param>
public sealed class PlannedVolumes(string directory, bool durable)
{
    /// <summary>Lines begin with the volume's uuid.</summary>
    private const int KeyLength = 36;

    /// <summary>Writes an SR's plan anew. Call before anybody learns of the volumes.</summary>
    public void Plan(Guid sr, IEnumerable<PlannedVolume> volumes)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Delete(Made(sr));
        using var file = new FileStream(PlanOf(sr), FileMode.Create, FileAccess.Write);
        using (var writer = new StreamWriter(file, leaveOpen: true))
        {
            foreach (var volume in volumes)
                writer.WriteLine(string.Join('\t', volume.Uuid.ToString("D"), volume.Size.ToString(CultureInfo.InvariantCulture), Uri.EscapeDataString(volume.Name), Uri.EscapeDataString(volume.Description)));
        }

        file.Flush(durable);
    }

    /// <summary>True when an SR has a plan of which nothing was made: its storage may not have been made either.</summary>
    public bool IsUntouched(Guid sr) => File.Exists(PlanOf(sr)) && !File.Exists(Made(sr));

    /// <summary>The SR with the volumes of its plan that were not made yet; the SR itself when there is no plan.</summary>
    public async ValueTask<ISr> CompleteAsync(Guid sr, ISr inner, CancellationToken cancellationToken)
    {
        if (!File.Exists(PlanOf(sr)))
            return inner;
        var made = File.Exists(Made(sr)) ? File.ReadLines(Made(sr)).ToHashSet(StringComparer.Ordinal) : [];
        made.UnionWith((await inner.ListAsync(cancellationToken)).Select(v => v.Key));
        var planned = File.ReadLines(PlanOf(sr)).Where(l => l.Length > KeyLength).Select(l => KeyValuePair.Create(l[..KeyLength], l)).Where(l => !made.Contains(l.Key));
        var lines = new ConcurrentDictionary<string, string>(planned, StringComparer.Ordinal);
        return lines.IsEmpty ? inner : new PlannedSr(inner, lines, Parse, key => NoteMade(sr, key));
    }

    /// <summary>Keys of the volumes that were planned and have not been made yet.</summary>
    public IReadOnlySet<string> Unmade(Guid sr) => File.Exists(PlanOf(sr))
        ? File.ReadLines(PlanOf(sr)).Where(l => l.Length > KeyLength).Select(l => l[..KeyLength]).Except(File.Exists(Made(sr)) ? File.ReadLines(Made(sr)) : []).ToHashSet(StringComparer.Ordinal)
        : new HashSet<string>();

    /// <summary>Drops the plan of an SR that is destroyed.</summary>
    public void Forget(Guid sr)
    {
        if (!Directory.Exists(directory))
            return;
        File.Delete(PlanOf(sr));
        File.Delete(Made(sr));
    }

    private static PlannedVolume Parse(string line) =>
        line.Split('\t') is [var uuid, var size, var name, var description]
            ? new(Guid.Parse(uuid), long.Parse(size, CultureInfo.InvariantCulture), Uri.UnescapeDataString(name), Uri.UnescapeDataString(description))
            : throw new InvalidDataException("the plan of volumes has a line of another form: " + line);

    private void NoteMade(Guid sr, string key)
    {
        using var file = new FileStream(Made(sr), FileMode.Append, FileAccess.Write);
        using (var writer = new StreamWriter(file, leaveOpen: true))
            writer.WriteLine(key);
        file.Flush(durable);
    }

    private string PlanOf(Guid sr) => Path.Combine(directory, sr.ToString("D") + ".plan");

    private string Made(Guid sr) => Path.Combine(directory, sr.ToString("D") + ".made");
}
