using System.Globalization;

namespace XapiCompat.Core.Seed;

/// <summary>What the first inventory of a state directory is made of; null is "not said", then the seed file or the default decides.</summary>
/// <param name="Source">Name of a seed, or path of a seed file.</param>
/// <param name="Profile">Name of the release that the hosts pose as.</param>
/// <param name="Number">The same number gives the same references, uuids, names, sizes and MACs; null gives fresh ones.</param>
public sealed record SeedOptions(
    string? Source = null,
    string? Profile = null,
    int? Hosts = null,
    int? Srs = null,
    int? Vms = null,
    int? Vdis = null,
    int? SnapshotsPerVdi = null,
    long? Number = null)
{
    public const string DefaultSource = "default";
    public const string DefaultProfile = "xcp-ng-8.3";
    public const int MaxHosts = 64;

    private IEnumerable<(string Name, string? Text)> Parts =>
    [
        ("seed", Source), ("profile", Profile), ("hosts", Text(Hosts)), ("srs", Text(Srs)), ("vms", Text(Vms)), ("vdis", Text(Vdis)),
        ("snapshots-per-vdi", Text(SnapshotsPerVdi)), ("seed-number", Text(Number)),
    ];

    /// <summary>These options, and where they say nothing, the others'.</summary>
    public SeedOptions Over(SeedOptions other) => new(
        Source ?? other.Source,
        Profile ?? other.Profile,
        Hosts ?? other.Hosts,
        Srs ?? other.Srs,
        Vms ?? other.Vms,
        Vdis ?? other.Vdis,
        SnapshotsPerVdi ?? other.SnapshotsPerVdi,
        Number ?? other.Number);

    /// <summary>One line for the store, by which a later start sees what the first one was told.</summary>
    public string Describe() => string.Join('\n', Parts.Where(p => p.Text is not null).Select(p => p.Name + "=" + p.Text));

    /// <summary>The first option that says something else than a first start was told, as <c>--name value</c>; null when all agree.</summary>
    public string? Contradicts(string described)
    {
        var then = described.Split('\n').Select(l => l.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        foreach (var (name, text) in Parts)
        {
            if (text is not null && text != then.GetValueOrDefault(name))
                return "--" + name + " " + text;
        }

        return null;
    }

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A seed that cannot be used; the message is one line for the user.</summary>
public sealed class SeedException(string message) : Exception(message);
