using System.Reflection;
using System.Text.Json;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>The first inventory: what a client of a fresh single-host pool finds, from a file of plain data.</summary>
public sealed class Inventory(RecordStore store, IdSource ids, TimeProvider clock, HostFacts facts)
{
    private readonly Dictionary<string, string> _references = new(StringComparer.Ordinal);

    /// <summary>Makes the inventory in an empty store.</summary>
    /// <returns>True when the store was empty.</returns>
    public bool Plant()
    {
        if (store.Current.Count(store.Model.Class("pool")) > 0)
            return false;
        using var document = Read();
        var objects = document.RootElement.GetProperty("objects").EnumerateArray().ToList();
        foreach (var entry in objects)
            _references[entry.GetProperty("ref").GetString()!] = ids.NewReference();
        store.Commit(unit =>
        {
            foreach (var entry in objects)
                Insert(unit, entry);
        });
        return true;
    }

    /// <summary>Brings up to date what depends on this start: addresses, times, operations of the host, metrics that are not stored.</summary>
    public void Refresh() => store.Commit(unit =>
    {
        var now = clock.GetUtcNow();
        foreach (var host in unit.All(unit.Model.Class("host")).ToList())
        {
            unit.Set(host.Reference, "address", facts.Address);
            unit.Set(host.Reference, "other_config", unit.Find(host.Reference)!.Map("other_config").With("agent_start_time", now.ToUnixTimeSeconds() + "."));
            unit.Set(host.Reference, "allowed_operations", XenArray.Of(["provision", "evacuate", "vm_start", "vm_resume", "vm_migrate", "enable"]));
            if (unit.Find(host.Target("metrics")) is not null)
                unit.Set(host.Target("metrics"), "last_updated", XenDate.Format(now));
        }

        foreach (var pif in unit.All(unit.Model.Class("PIF")).Where(p => p.Flag("management")).ToList())
            unit.Set(pif.Reference, "IP", facts.Address);
        RestoreMetrics(unit, "VBD", "VBD_metrics", now);
        RestoreMetrics(unit, "VIF", "VIF_metrics", now);
    });

    private void RestoreMetrics(UnitOfWork unit, string device, string metrics, DateTimeOffset now)
    {
        foreach (var record in unit.All(unit.Model.Class(device)).Where(d => unit.Find(d.Target("metrics")) is null).ToList())
        {
            var reference = ids.NewReference();
            unit.Insert(unit.Model.Class(metrics), reference, [("uuid", ids.NewUuidText()), ("last_updated", XenDate.Format(now))]);
            unit.Set(record.Reference, "metrics", reference);
        }
    }

    private void Insert(UnitOfWork unit, JsonElement entry)
    {
        var definition = unit.Model.Class(entry.GetProperty("class").GetString()!);
        var reference = _references[entry.GetProperty("ref").GetString()!];
        var fields = new List<(string, XenValue)>();
        foreach (var member in entry.GetProperty("fields").EnumerateObject())
        {
            var field = definition.Find(member.Name) ?? throw new InvalidDataException("the inventory names an unknown field: " + definition + "." + member.Name);
            if (!field.Computed)
                fields.Add((field.Name, field.Type.Coerce(Fill(JsonValues.Read(member.Value), field.Type, reference))));
        }

        var record = unit.Insert(definition, reference, fields);
        if (definition.Find("uuid") is not null && record.Uuid.Length == 0)
            unit.Set(reference, "uuid", ids.NewUuidText());
    }

    /// <summary>Puts references and the facts of this host in place of their names.</summary>
    private XenValue Fill(XenValue value, XenType type, string self) => value switch
    {
        XenNil => type.Empty,
        XenString { Text: ['$', not '{', ..] } symbol => _references[symbol.Text],
        XenString text when text.Text.Contains("${", StringComparison.Ordinal) => text.Text
            .Replace("${hostname}", facts.HostName, StringComparison.Ordinal)
            .Replace("${address}", facts.Address, StringComparison.Ordinal)
            .Replace("${build}", facts.Build, StringComparison.Ordinal)
            .Replace("${now}", XenDate.Format(clock.GetUtcNow()).Text, StringComparison.Ordinal)
            .Replace("${now_seconds}", clock.GetUtcNow().ToUnixTimeSeconds().ToString(), StringComparison.Ordinal)
            .Replace("${self}", self, StringComparison.Ordinal),
        XenArray array => new XenArray([.. array.Items.Select(i => Fill(i, type, self))]),
        XenStruct map => new XenStruct(map.Names, [.. map.Values.Select(i => Fill(i, type, self))]),
        _ => value,
    };

    private static JsonDocument Read()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("inventory.json")!;
        return JsonDocument.Parse(stream);
    }
}

/// <param name="Address">Where clients reach this host, without a port.</param>
public sealed record HostFacts(string HostName, string Address, string Build);
