using System.Collections.Concurrent;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>
/// Keeps allowed_operations of every object true: at each commit the rules run again for what changed and for what
/// depends on it, so that no caller has to remember.
/// </summary>
public static class AllowedOperations
{
    public static void Derive(UnitOfWork unit)
    {
        var affected = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in unit.Drafts.Concat(unit.Deleted).ToList())
        {
            affected.Add(record.Reference);
            Spread(unit, record, affected);
        }

        foreach (var reference in affected)
        {
            if (unit.Find(reference) is { } record && OperationRules.Find(record.Class.Name) is { } rule)
                Write(unit, record, rule.Allowed(unit, record));
        }
    }

    /// <summary>
    /// For the start of the server: allowed_operations is not stored, and in a large pool takes seconds to find. Whoever reads an
    /// object's first has it computed; the rest is done beside.
    /// </summary>
    public static void DeriveLater(RecordStore store)
    {
        foreach (var name in OperationRules.Classes)
        {
            var rule = OperationRules.Find(name)!;
            store.FillLater(
                store.Model.Class(name),
                "allowed_operations",
                record => Lists.Share([.. rule.Allowed(store.Current, record).Order(StringComparer.Ordinal)]));
        }
    }

    /// <summary>Computes what <see cref="DeriveLater"/> left, without hurry.</summary>
    public static void DeriveRest(RecordStore store, CancellationToken cancellationToken)
    {
        foreach (var record in OperationRules.Classes.SelectMany(name => store.Current.All(store.Model.Class(name))))
        {
            if (cancellationToken.IsCancellationRequested)
                return;
            record.Complete();
        }
    }

    private static void Spread(UnitOfWork unit, Record record, HashSet<string> affected)
    {
        switch (record.Class.Name)
        {
            case "VBD":
                affected.Add(record.Target("VM"));
                SpreadOverDisk(unit, record.Target("VDI"), affected);
                break;
            case "VDI":
                affected.Add(record.Target("SR"));
                affected.UnionWith(record.Set("VBDs"));
                affected.UnionWith(record.Set("VBDs").Select(unit.Find).OfType<Record>().Select(v => v.Target("VM")));
                break;
            case "VM":
                affected.UnionWith(record.Set("VBDs"));
                affected.Add(record.Target("appliance"));
                if (unit.Before(record.Reference) is { } before)
                    affected.Add(before.Target("appliance"));
                if (unit.Before(record.Reference)?.Text("power_state") != record.Text("power_state"))
                {
                    foreach (var vbd in record.Set("VBDs").Select(unit.Find).OfType<Record>())
                        SpreadOverDisk(unit, vbd.Target("VDI"), affected);
                }

                affected.UnionWith(record.Set("VIFs"));
                affected.UnionWith(record.Set("VUSBs"));
                break;
            case "PBD":
                affected.Add(record.Target("SR"));
                if (unit.Find(record.Target("SR")) is { } sr)
                    affected.UnionWith(sr.Set("VDIs"));
                break;
            case "host_metrics":
                affected.UnionWith(unit.All(unit.Model.Class("host")).Where(h => h.Target("metrics") == record.Reference).Select(h => h.Reference));
                break;
            case "Cluster":
                affected.UnionWith(unit.All(unit.Model.Class("pool")).Select(p => p.Reference));
                break;
            case "VM_guest_metrics":
                if (Owner(unit, record, "guest_metrics") is { } guest)
                {
                    affected.Add(guest.Reference);
                    affected.UnionWith(guest.Set("VBDs"));
                    affected.UnionWith(guest.Set("VIFs"));
                }

                break;
            case "VM_metrics":
                if (Owner(unit, record, "metrics") is { } machine)
                    affected.Add(machine.Reference);
                break;
        }
    }

    /// <summary>Who may have a disk depends on who has it.</summary>
    private static void SpreadOverDisk(UnitOfWork unit, string vdi, HashSet<string> affected)
    {
        affected.Add(vdi);
        if (unit.Find(vdi) is { } disk)
            affected.UnionWith(disk.Set("VBDs"));
    }

    /// <summary>Metrics mostly change together with their VM; only without it all VMs are looked through.</summary>
    private static Record? Owner(UnitOfWork unit, Record metrics, string field)
    {
        bool Owns(Record vm) => vm.Class.Name == "VM" && vm.Target(field) == metrics.Reference;
        return unit.Drafts.FirstOrDefault(Owns) ?? unit.Deleted.FirstOrDefault(Owns) ?? unit.All(unit.Model.Class("VM")).FirstOrDefault(Owns);
    }

    private static void Write(UnitOfWork unit, Record record, IEnumerable<string> allowed)
    {
        var now = allowed.Order(StringComparer.Ordinal).ToList();
        if (!record.Set("allowed_operations").SequenceEqual(now))
            unit.Set(record.Reference, "allowed_operations", XenArray.Of(now));
    }

    /// <summary>Most objects of a class allow the same.</summary>
    private static class Lists
    {
        private static readonly ConcurrentDictionary<string, XenArray> Known = new(StringComparer.Ordinal);

        public static XenArray Share(List<string> operations) =>
            Known.Count > 1000 ? XenArray.Of(operations) : Known.GetOrAdd(string.Join(' ', operations), _ => XenArray.Of(operations));
    }
}
