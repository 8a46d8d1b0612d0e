using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>
/// Makes a pool of a single host: what belongs to the host is there once more for each member, under names of its own;
/// networks and shared SRs are common, and each member has its own PBD for them.
/// </summary>
public static class SeedHosts
{
    private static readonly HashSet<string> OfOneHost = new(StringComparer.Ordinal)
    {
        "host", "host_metrics", "host_cpu", "PIF", "PIF_metrics", "PBD", "PCI", "PGPU", "PUSB",
    };

    public static IEnumerable<SeedObject> Repeat(IReadOnlyCollection<SeedObject> objects, int hosts)
    {
        if (hosts is < 1 or > SeedOptions.MaxHosts)
            throw new SeedException("a pool has 1 to " + SeedOptions.MaxHosts + " hosts, not " + hosts);
        var own = OwnSymbols(objects);
        var result = objects.Select(o => o.Class == "pool" ? Pool(o, hosts) : o).ToList();
        for (var host = 1; host < hosts; host++)
        {
            foreach (var original in objects.Where(o => own.Contains(o.Symbol)))
                result.Add(Copy(original, own, host));
        }

        return result;
    }

    private static HashSet<string> OwnSymbols(IReadOnlyCollection<SeedObject> objects)
    {
        var domains = objects.Where(o => o.Class == "VM" && o.IsTrue("is_control_domain")).ToList();
        var own = domains.Select(d => d.Symbol).Concat(domains.Select(d => d.Text("metrics"))).ToHashSet(StringComparer.Ordinal);
        own.UnionWith(objects.Where(o => o.Class == "console" && own.Contains(o.Text("VM"))).Select(o => o.Symbol));
        own.UnionWith(objects.Where(o => OfOneHost.Contains(o.Class) || (o.Class == "SR" && !o.IsTrue("shared"))).Select(o => o.Symbol));
        own.UnionWith(objects.Where(o => o.Class == "VDI" && own.Contains(o.Text("SR"))).Select(o => o.Symbol));
        return own;
    }

    private static SeedObject Copy(SeedObject original, HashSet<string> own, int host)
    {
        var fields = original.Fields.ToDictionary(f => f.Key, f => Rename(f.Value, own, host), StringComparer.Ordinal);
        if (fields.GetValueOrDefault("MAC") is XenString { Text.Length: 17 } mac)
            fields["MAC"] = mac.Text[..12] + host.ToString("x2", CultureInfo.InvariantCulture) + mac.Text[14..];
        fields.Remove("uuid");
        return new(original.Class, original.Symbol + "@" + host, fields, host);
    }

    private static XenValue Rename(XenValue value, HashSet<string> own, int host) => value switch
    {
        XenString text when own.Contains(text.Text) => text.Text + "@" + host,
        XenArray array => new XenArray([.. array.Items.Select(i => Rename(i, own, host))]),
        XenStruct map => new XenStruct(map.Names, [.. map.Values.Select(i => Rename(i, own, host))]),
        _ => value,
    };

    private static SeedObject Pool(SeedObject pool, int hosts)
    {
        if (hosts == 1 || pool.Fields.GetValueOrDefault("cpu_info") is not XenStruct cpus)
            return pool;
        foreach (var name in new[] { "cpu_count", "socket_count" })
        {
            if (cpus[name] is { } one)
                cpus = cpus.With(name, (hosts * int.Parse(one.ToString()!, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture));
        }

        return pool.With("cpu_info", cpus);
    }
}
