using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>
/// Where VMs would go when hosts fail, by memory alone. Plans are found by placing the largest VM first, so a plan that
/// only a cleverer search would find counts as none: the answer is on the safe side.
/// </summary>
public static class FailoverPlan
{
    private const int MostCases = 5000;

    /// <summary>VMs that are to run always: the user said so, and started them.</summary>
    public static IReadOnlyList<Record> Protected(IRecords records) =>
        [.. records.All(records.Model.Class("VM")).Where(v => v.Flag("ha_always_run") && v.Text("ha_restart_priority") == "restart")];

    /// <summary>How many hosts may fail, whichever they are; 0 when not even the hosts that are there suffice.</summary>
    public static int MostFailures(IRecords records, IReadOnlyList<Record> guests)
    {
        var live = Live(records);
        var failures = 0;
        while (failures < live.Count && Exists(records, live, guests, failures + 1))
            failures++;
        return failures;
    }

    public static bool Exists(IRecords records, IReadOnlyList<Record> guests, long failures) =>
        Exists(records, Live(records), guests, (int)Math.Min(failures, int.MaxValue));

    /// <summary>Which of <paramref name="guests"/> goes to which of <paramref name="hosts"/>; VMs without a place are left out.</summary>
    public static IReadOnlyDictionary<string, string> Place(IRecords records, IEnumerable<Record> hosts, IEnumerable<Record> guests)
    {
        var free = hosts.ToDictionary(h => h.Reference, h => MemoryModel.FreeAtMost(records, h), StringComparer.Ordinal);
        var plan = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (guest, needed) in guests.Select(g => (g.Reference, Needed: MemoryModel.NeededToStart(g))).OrderByDescending(g => g.Needed))
        {
            var host = free.Where(f => f.Value >= needed).OrderByDescending(f => f.Value).Select(f => f.Key).FirstOrDefault();
            if (host is null)
                continue;
            free[host] -= needed;
            plan[guest] = host;
        }

        return plan;
    }

    private static bool Exists(IRecords records, List<Record> live, IReadOnlyList<Record> guests, int failures)
    {
        if (guests.Any(g => Agility.WhyNot(records, g) is not null))
            return false;
        if (failures <= 0)
            return Survives(records, live, guests, new(StringComparer.Ordinal));
        if (failures >= live.Count)
            return guests.Count == 0;
        var weakest = live.OrderByDescending(h => MemoryModel.FreeAtMost(records, h)).Take(failures).Select(h => h.Reference).ToHashSet(StringComparer.Ordinal);
        return Survives(records, live, guests, weakest)
            && Cases(live, failures).Take(MostCases).All(failed => Survives(records, live, guests, failed));
    }

    private static bool Survives(IRecords records, List<Record> live, IReadOnlyList<Record> guests, HashSet<string> failed)
    {
        var left = live.Where(h => !failed.Contains(h.Reference)).ToList();
        var displaced = guests.Where(g => !left.Exists(h => h.Reference == g.Target("resident_on"))).ToList();
        return Place(records, left, displaced).Count == displaced.Count;
    }

    /// <summary>All choices of so many hosts.</summary>
    private static IEnumerable<HashSet<string>> Cases(List<Record> hosts, int count, int from = 0)
    {
        if (count == 0)
        {
            yield return new(StringComparer.Ordinal);
            yield break;
        }

        for (var i = from; i <= hosts.Count - count; i++)
        {
            foreach (var rest in Cases(hosts, count - 1, i + 1))
            {
                rest.Add(hosts[i].Reference);
                yield return rest;
            }
        }
    }

    private static List<Record> Live(IRecords records) => [.. records.All(records.Model.Class("host")).Where(h => h.Flag("enabled") && HostPlacement.IsLive(records, h))];
}
