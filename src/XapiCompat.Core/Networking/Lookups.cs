using XapiCompat.Store;

namespace XapiCompat.Core.Networking;

/// <summary>
/// Objects by what they refer to. Back-references follow at the end of a commit, so code that changes several objects in
/// one commit asks the side that is stored.
/// </summary>
public static class Lookups
{
    public static IEnumerable<Record> Pointing(this IRecords records, string @class, string field, string target) =>
        records.All(records.Model.Class(@class)).Where(r => r.Target(field) == target);

    public static Record? FindOf(this IRecords records, string @class, string reference) =>
        records.Find(reference) is { } record && record.Class.Name == @class ? record : null;

    /// <summary>The interfaces of a network on one host: at most one, by construction.</summary>
    public static Record? LocalPif(this IRecords records, string network, string host) =>
        records.Pointing("PIF", "network", network).FirstOrDefault(p => p.Target("host") == host);
}
