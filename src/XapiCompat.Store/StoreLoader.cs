using System.Security.Cryptography;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>Makes the state in memory of stored objects: what is derived and what is not stored is added here.</summary>
internal static class StoreLoader
{
    private static readonly KeyValuePair<string, string>[] DeviceMetrics = [new("VBD", "VBD_metrics"), new("VIF", "VIF_metrics")];

    /// <param name="stored">In the order of their references; sets of back-references come in it too.</param>
    public static Database Load(Model model, RelationIndex relations, List<Record> stored, long generation, DateTimeOffset now)
    {
        var records = new Dictionary<string, Record>(stored.Count * 2, StringComparer.Ordinal);
        foreach (var record in stored)
            records[record.Reference] = record;
        foreach (var record in stored)
        {
            XenString? self = null;
            foreach (var relation in relations.From(record.Class))
            {
                switch (record[relation.One])
                {
                    case XenString one:
                        Add(records, relation, one.Text, ref self, record);
                        break;
                    case XenArray { Items.Count: > 0 } several:
                        foreach (var one in several.Items)
                            Add(records, relation, one.ToString()!, ref self, record);
                        break;
                }
            }
        }

        var date = XenDate.Format(now);
        foreach (var (device, metrics) in DeviceMetrics)
            AddMetrics(records, stored, model.Class(device), model.Class(metrics), date);
        return Database.Of(model, generation, records);
    }

    /// <summary>A set of back-references grows in place until the records are published.</summary>
    private static void Add(Dictionary<string, Record> records, RelationDef relation, string target, ref XenString? self, Record record)
    {
        if (target is "" or "OpaqueRef:NULL" || !records.TryGetValue(target, out var other) || other.Class != relation.ManyClass)
            return;
        self ??= XenString.Of(record.Reference);
        if (other[relation.Many] is XenArray { Items: List<XenValue> known })
            known.Add(self);
        else
            other.Write(relation.Many.Index, new XenArray(new List<XenValue>(1) { self }));
    }

    /// <summary>Metrics of devices are not stored; their references are, and lead somewhere again from the start.</summary>
    private static void AddMetrics(Dictionary<string, Record> records, List<Record> stored, ClassDef device, ClassDef metrics, XenValue date)
    {
        var field = device.Find("metrics")!;
        var (uuid, updated) = (metrics["uuid"], metrics["last_updated"]);
        XenValue[] defaults = [.. metrics.Fields.Select(f => f.Computed ? XenArray.Empty : f.Default)];
        var random = new byte[16 * 64];
        var used = random.Length;
        foreach (var record in stored)
        {
            if (record.Class != device || record[field].ToString() is not { } reference || new Ref(reference).IsNull || records.ContainsKey(reference))
                continue;
            if (used == random.Length)
            {
                // Many at once: asking the kernel for each would take longer than everything else here.
                RandomNumberGenerator.Fill(random);
                used = 0;
            }

            var values = (XenValue[])defaults.Clone();
            values[uuid] = RandomUuid(random.AsSpan(used, 16));
            values[updated] = date;
            used += 16;
            records[reference] = new(metrics, reference, values, 0, 0);
        }
    }

    private static XenString RandomUuid(Span<byte> bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return XenString.Of(new Guid(bytes, bigEndian: true).ToString("D"));
    }
}
