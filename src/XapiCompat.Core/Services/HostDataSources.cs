using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Figures of a host that can be asked for one by one. They are computed from the records when asked; which of them are
/// recorded is only noted.
/// </summary>
public sealed class HostDataSources(RecordStore store, HostSettings settings)
{
    private const double Kib = 1024;

    private static readonly Source[] All =
    [
        new("memory_total_kib", "Memory of the host", "KiB", (r, h) => Metric(r, h, "memory_total") / Kib),
        new("memory_free_kib", "Memory that nothing uses", "KiB", (r, h) => Metric(r, h, "memory_free") / Kib),
        new("running_domains", "Number of running VMs, the control domain included", "count", (r, h) => Resident(r, h).Count()),
        new("running_vcpus", "Number of virtual CPUs of running VMs", "count", (r, h) => Resident(r, h).Sum(v => (double)v.Int("VCPUs_at_startup"))),
        new("pool_task_count", "Number of tasks of the pool", "count", (r, _) => r.All(r.Model.Class("task")).Count()),
        new("pool_session_count", "Number of sessions of the pool", "count", (r, _) => r.All(r.Model.Class("session")).Count()),
        new("xapi_memory_usage_kib", "Memory of the server process", "KiB", (_, _) => Environment.WorkingSet / Kib),
        new("xapi_live_memory_kib", "Live memory of the server process", "KiB", (_, _) => GC.GetTotalMemory(false) / Kib),
    ];

    public XenArray List(Record host) => new([.. All.Select(s => Describe(host, s))]);

    public double Query(Record host, string name) => Find(name).Value(store.Current, host);

    public void Record(Record host, string name, bool on)
    {
        Find(name);
        var off = Off(host).Where(n => n != name).Concat(on ? [] : [name]).Order(StringComparer.Ordinal);
        settings.Set(host.Uuid, HostSettings.DataSourcesOff, string.Join(',', off) is { Length: > 0 } text ? text : null);
    }

    private XenStruct Describe(Record host, Source source) => XenStruct.Of(
        ("name_label", source.Name),
        ("name_description", source.Description),
        ("enabled", !Off(host).Contains(source.Name)),
        ("standard", true),
        ("units", source.Units),
        ("min", 0.0),
        ("max", double.PositiveInfinity),
        ("value", source.Value(store.Current, host)));

    private string[] Off(Record host) => settings.Get(host.Uuid, HostSettings.DataSourcesOff)?.Split(',') ?? [];

    private static Source Find(string name) =>
        Array.Find(All, s => s.Name == name) ?? throw Errors.Internal("there is no data source " + name);

    private static double Metric(IRecords records, Record host, string field) => records.Find(host.Target("metrics"))?.Int(field) ?? 0;

    private static IEnumerable<Record> Resident(IRecords records, Record host) => host.Set("resident_VMs").Select(records.Find).OfType<Record>();

    private sealed record Source(string Name, string Description, string Units, Func<IRecords, Record, double> Value);
}
