using System.Collections.Concurrent;
using System.Globalization;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>
/// What is measured of a running VM. Which optional sources are recorded is kept in memory only, as archives are.
/// </summary>
public sealed class DataSources
{
    private readonly ConcurrentDictionary<(string Vm, string Name), bool> _recorded = new();

    public XenArray Describe(IRecords records, Record vm) => new([.. Of(records, vm).Select(s => XenStruct.Of(
        ("name_label", s.Name),
        ("name_description", s.Description),
        ("enabled", IsRecorded(vm, s)),
        ("standard", s.Standard),
        ("units", s.Units),
        ("min", 0.0),
        ("max", s.Units == "(fraction)" ? 1.0 : double.PositiveInfinity),
        ("value", s.Value)))]);

    public double Query(IRecords records, Record vm, string name) => Find(records, vm, name).Value;

    public void Record(IRecords records, Record vm, string name, bool on) => _recorded[(vm.Reference, Find(records, vm, name).Name)] = on;

    private bool IsRecorded(Record vm, Source source) => _recorded.TryGetValue((vm.Reference, source.Name), out var on) ? on : source.Standard;

    private static Source Find(IRecords records, Record vm, string name) =>
        Of(records, vm).FirstOrDefault(s => s.Name == name) ?? throw new XenException("INVALID_VALUE", "data_source", name);

    private static IEnumerable<Source> Of(IRecords records, Record vm)
    {
        var metrics = records.Find(vm.Target("metrics"));
        for (var i = 0L; i < (metrics?.Int("VCPUs_number") ?? 0); i++)
            yield return new("cpu" + i.ToString(CultureInfo.InvariantCulture), "CPU usage of one processor", "(fraction)", 0, true);
        yield return new("cpu_usage", "CPU usage of all processors", "(fraction)", 0, false);
        yield return new("memory", "Memory of the machine", "B", metrics?.Int("memory_actual") ?? 0, true);
        yield return new("memory_target", "Memory that the balloon aims at", "B", vm.Int("memory_target"), true);
        foreach (var vbd in vm.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => v.Flag("currently_attached")))
        {
            foreach (var way in (string[])["read", "write"])
                yield return new("vbd_" + vbd.Text("device") + "_" + way, "Bytes per second, " + way, "B/s", 0, true);
        }

        foreach (var vif in vm.Set("VIFs").Select(records.Find).OfType<Record>().Where(v => v.Flag("currently_attached")))
        {
            foreach (var way in (string[])["rx", "tx"])
                yield return new("vif_" + vif.Text("device") + "_" + way, "Bytes per second, " + way, "B/s", 0, true);
        }
    }

    /// <param name="Standard">Recorded unless somebody stops it.</param>
    private sealed record Source(string Name, string Description, string Units, double Value, bool Standard);
}
