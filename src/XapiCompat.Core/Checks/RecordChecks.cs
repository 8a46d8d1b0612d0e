using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Checks;

/// <summary>Records against each other: what leads nowhere, and what is there twice.</summary>
internal static class RecordChecks
{
    /// <summary>References that must lead somewhere unless they are null; others may outlive what they name.</summary>
    private static readonly (string Class, string Field)[] Required =
    [
        ("PBD", "SR"), ("PBD", "host"), ("VBD", "VDI"), ("VBD", "VM"), ("VDI", "SR"), ("VIF", "VM"), ("VIF", "network"),
    ];

    public static IEnumerable<StorageFinding> Run(IReadOnlyList<Record> records)
    {
        var byReference = records.ToDictionary(r => r.Reference, StringComparer.Ordinal);
        var byClass = records.ToLookup(r => r.Class.Name, StringComparer.Ordinal);
        foreach (var (name, field) in Required)
        {
            foreach (var record in byClass[name])
            {
                var target = record.Target(field);
                if (!new Ref(target).IsNull && !byReference.ContainsKey(target))
                    yield return new(FindingLevel.Error, "dangling-reference", name + " " + record.Uuid, field + " leads to nothing: " + target);
            }
        }

        foreach (var twice in records.Where(r => r.Class.Find("uuid") is not null && r.Uuid.Length > 0).GroupBy(r => (r.Class.Name, r.Uuid)).Where(g => g.Skip(1).Any()))
            yield return new(FindingLevel.Error, "duplicate-uuid", twice.Key.Name + " " + twice.Key.Uuid, "there are " + twice.Count() + " of it");
        foreach (var twice in byClass["VDI"].GroupBy(v => (Sr: v.Target("SR"), Key: v.Text("location"))).Where(g => g.Skip(1).Any()))
            yield return new(FindingLevel.Error, "duplicate-location", "VDI " + twice.First().Uuid, "another VDI has its location " + twice.Key.Key);
    }
}
