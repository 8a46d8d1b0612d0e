using System.Collections.Concurrent;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Figures of an SR that can be asked for one by one, computed from its record when asked. Which of them are recorded is only
/// noted, for as long as the server runs.
/// </summary>
public sealed class SrDataSources(RecordStore store)
{
    private static readonly Source[] All =
    [
        new("size", "Size of the repository", "physical_size", Standard: true),
        new("physical_utilisation", "Space in use on the repository", "physical_utilisation", Standard: true),
        new("virtual_allocation", "Sum of the sizes of the disks", "virtual_allocation", Standard: false),
    ];

    private readonly ConcurrentDictionary<(string Sr, string Name), bool> _recorded = new();

    public XenArray List(Ref sr)
    {
        var record = Plugged(sr);
        return new([.. All.Select(s => Describe(record, s))]);
    }

    public double Query(Ref sr, string name) => Plugged(sr).Int(Find(name).Field);

    public void Record(Ref sr, string name, bool on) => _recorded[(Plugged(sr).Reference, Find(name).Name)] = on;

    private XenStruct Describe(Record sr, Source source) => XenStruct.Of(
        ("name_label", source.Name),
        ("name_description", source.Description),
        ("enabled", _recorded.GetValueOrDefault((sr.Reference, source.Name), source.Standard)),
        ("standard", source.Standard),
        ("units", "B"),
        ("min", 0.0),
        ("max", double.PositiveInfinity),
        ("value", (double)sr.Int(source.Field)));

    private Record Plugged(Ref sr) =>
        store.Current.Get("SR", sr) is var record && SrFacts.IsPlugged(store.Current, record) ? record : throw new XenException("SR_HAS_NO_PBDS", sr.Text);

    private static Source Find(string name) => Array.Find(All, s => s.Name == name) ?? throw Errors.Internal("there is no data source " + name);

    private sealed record Source(string Name, string Description, string Field, bool Standard);
}
