using System.Globalization;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>The first inventory: what a client of a fresh pool finds, from a seed of plain data.</summary>
public sealed class Inventory(RecordStore store, IdSource freshIds, TimeProvider clock, HostFacts facts)
{
    private const string SeedFact = "seed";

    /// <summary>Sizes of disks are whole blocks of VHD files.</summary>
    private const long SizeStep = 2L << 20;

    private readonly Dictionary<string, string> _references = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _addresses = [];

    /// <summary>
    /// Makes the inventory in an empty store; the disks of SRs that <paramref name="hasVolumes"/> are planned first.
    /// Throws <see cref="SeedException"/>, also when a store that is not empty was made from something else.
    /// </summary>
    /// <returns>Where what else is made at this start takes references and uuids from.</returns>
    public IdSource Plant(SeedOptions given, PlannedVolumes volumes, Func<Record, bool> hasVolumes)
    {
        if (store.Current.Count(store.Model.Class("pool")) > 0)
        {
            if (store.Fact(SeedFact) is { } then && given.Contradicts(then) is { } option)
                throw new SeedException(option + " does not fit: the state directory holds another inventory, and a seed applies to the first start only");
            return freshIds;
        }

        var document = SeedDocument.Load(given.Source ?? SeedOptions.DefaultSource);
        var options = given.Over(document.Options).Over(new(SeedOptions.DefaultSource, SeedOptions.DefaultProfile, 1, 0, 0, 0, 0));
        var objects = SeedHosts.Repeat([.. SeedProfile.Apply(document.Objects, options.Profile!)], options.Hosts!.Value).ToList();
        _addresses = facts.AddressesFor(options.Hosts.Value);
        var ids = options.Number is { } number ? new SeededIds(number) : freshIds;
        foreach (var entry in objects)
            _references[entry.Symbol] = ids.NewReference();
        store.Commit(unit =>
        {
            foreach (var entry in objects)
                Insert(unit, ids, entry);
            new SeedCrowd(unit, ids, options, objects, _references).Make();
            Plan(unit, volumes, hasVolumes);
            unit.SetFact(SeedFact, options.Describe());
            SeedSnapshots.Promise(unit, options);
        });
        return ids;
    }

    /// <summary>Brings up to date what depends on this start: addresses, times, operations of the host, metrics that are not stored.</summary>
    public void Refresh() => store.Commit(unit =>
    {
        var now = clock.GetUtcNow();
        _addresses = facts.AddressesFor(store.Current.Count(unit.Model.Class("host")));
        var addresses = AssignAddresses(unit);
        foreach (var host in unit.All(unit.Model.Class("host")).ToList())
        {
            unit.Set(host.Reference, "address", addresses[host.Reference]);
            unit.Set(host.Reference, "other_config", unit.Find(host.Reference)!.Map("other_config").With("agent_start_time", now.ToUnixTimeSeconds() + "."));
            unit.Set(host.Reference, "allowed_operations", XenArray.Of(["provision", "evacuate", "vm_start", "vm_resume", "vm_migrate", "enable"]));
            if (unit.Find(host.Target("metrics")) is not null)
                unit.Set(host.Target("metrics"), "last_updated", XenDate.Format(now));
        }

        foreach (var pif in unit.All(unit.Model.Class("PIF")).Where(p => p.Flag("management")).ToList())
            unit.Set(pif.Reference, "IP", addresses.GetValueOrDefault(pif.Target("host"), _addresses[0]));
        RestoreMetrics(unit, "VBD", "VBD_metrics", now);
        RestoreMetrics(unit, "VIF", "VIF_metrics", now);
    });

    /// <summary>A host keeps an address that still is one of the pool's; the others take what is left, the master first.</summary>
    private Dictionary<string, string> AssignAddresses(UnitOfWork unit)
    {
        var master = unit.All(unit.Model.Class("pool")).First().Target("master");
        var hosts = unit.All(unit.Model.Class("host"))
            .OrderBy(h => h.Reference != master).ThenBy(h => h.Text("address"), StringComparer.Ordinal).ThenBy(h => h.Uuid, StringComparer.Ordinal).ToList();
        var assigned = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var host in hosts.Where(h => hosts.Count > 1 && _addresses.Contains(h.Text("address")) && !assigned.ContainsValue(h.Text("address"))))
            assigned[host.Reference] = host.Text("address");
        var free = new Queue<string>(_addresses.Except(assigned.Values));
        foreach (var host in hosts.Where(h => !assigned.ContainsKey(h.Reference)))
            assigned[host.Reference] = free.Dequeue();
        return assigned;
    }

    /// <summary>The references stay: writing every device at every start would cost large pools seconds.</summary>
    private void RestoreMetrics(UnitOfWork unit, string device, string metrics, DateTimeOffset now)
    {
        var definition = unit.Model.Class(metrics);
        foreach (var record in unit.All(unit.Model.Class(device)).Where(d => unit.Find(d.Target("metrics")) is null).ToList())
        {
            var reference = new Ref(record.Target("metrics")).IsNull ? freshIds.NewReference() : record.Target("metrics");
            unit.Insert(definition, reference, [("uuid", freshIds.NewUuidText()), ("last_updated", XenDate.Format(now))]);
            unit.Set(record.Reference, "metrics", reference);
        }
    }

    private void Insert(UnitOfWork unit, IdSource ids, SeedObject entry)
    {
        var definition = unit.Model.FindClass(entry.Class) ?? throw new SeedException("the seed has an object of an unknown class " + entry.Class);
        var reference = _references[entry.Symbol];
        var fields = new List<(string, XenValue)>();
        foreach (var (name, value) in entry.Fields)
        {
            var field = definition.Find(name) ?? throw new SeedException("the seed names an unknown field " + definition + "." + name);
            if (field.Computed)
                continue;
            try
            {
                fields.Add((field.Name, field.Type.Coerce(Fill(value, field.Type, entry, reference))));
            }
            catch (XenTypeException e)
            {
                throw new SeedException("the seed's value of " + entry.Symbol + "." + name + " does not fit: " + e.Message);
            }
        }

        var record = unit.Insert(definition, reference, fields);
        if (definition.Find("uuid") is not null && record.Uuid.Length == 0)
            unit.Set(reference, "uuid", ids.NewUuidText());
        if (definition.Name == "VDI" && record.Text("location").Length == 0)
            unit.Set(reference, "location", record.Uuid);
    }

    /// <summary>Puts references and the facts of this host in place of their names.</summary>
    private XenValue Fill(XenValue value, XenType type, SeedObject entry, string self) => value switch
    {
        XenNil => type.Empty,
        XenString { Text: ['$', not '{', ..] } symbol => _references.TryGetValue(symbol.Text, out var reference)
            ? reference
            : throw new SeedException("the seed's " + entry.Symbol + " refers to " + symbol.Text + ", which is not there"),
        XenString text when text.Text.Contains("${", StringComparison.Ordinal) => text.Text
            .Replace("${hostname}", facts.NameOf(entry.Host), StringComparison.Ordinal)
            .Replace("${address}", _addresses[entry.Host], StringComparison.Ordinal)
            .Replace("${now}", XenDate.Format(clock.GetUtcNow()).Text, StringComparison.Ordinal)
            .Replace("${now_seconds}", clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("${self}", self, StringComparison.Ordinal),
        XenArray array => new XenArray([.. array.Items.Select(i => Fill(i, type, entry, self))]),
        XenStruct map => new XenStruct(map.Names, [.. map.Values.Select(i => Fill(i, type, entry, self))]),
        _ => value,
    };

    /// <summary>Disks become files when somebody uses them: a large seed costs one list per SR.</summary>
    private static void Plan(UnitOfWork unit, PlannedVolumes volumes, Func<Record, bool> hasVolumes)
    {
        foreach (var group in unit.All(unit.Model.Class("VDI")).Where(v => v.Flag("managed")).GroupBy(v => v.Target("SR"), StringComparer.Ordinal).ToList())
        {
            if (unit.Find(group.Key) is not { } sr || !hasVolumes(sr))
                continue;
            foreach (var vdi in group.Where(v => v.Int("virtual_size") is 0 || v.Int("virtual_size") % SizeStep != 0).ToList())
                unit.Set(vdi.Reference, "virtual_size", Math.Max(1, (vdi.Int("virtual_size") + SizeStep - 1) / SizeStep) * SizeStep);
            var planned = group.Select(v => unit.Find(v.Reference)!)
                .Select(v => new PlannedVolume(Guid.Parse(v.Uuid), v.Int("virtual_size"), v.Text("name_label"), v.Text("name_description")));
            volumes.Plan(Guid.Parse(sr.Uuid), planned);
        }
    }
}

/// <param name="HostName">Of the master; members count on from it.</param>
/// <param name="AddressesFor">
/// Where clients reach the hosts of a pool of that many, without ports: that many or more, the master's at the first start first.
/// </param>
public sealed record HostFacts(string HostName, Func<int, IReadOnlyList<string>> AddressesFor)
{
    public string NameOf(int host) => host == 0 ? HostName : HostName + "-" + (host + 1).ToString(CultureInfo.InvariantCulture);
}
