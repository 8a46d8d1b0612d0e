using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>One strict server with an object in every state that the tables name; <c>$name</c> there is an object here.</summary>
public sealed class NegativeWorld : IAsyncLifetime
{
    /// <summary>The task of operations that run for ever.</summary>
    public const string BusyTask = "OpaqueRef:00000000-0000-4000-8000-00000000b05e";

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal)
    {
        ["null"] = Support.Records.Null,
        ["nowhere"] = SampleValues.Nowhere,
        ["nouuid"] = "00000000-0000-4000-8000-00000000dead",
        ["busytask"] = BusyTask,
        ["user"] = "root",
    };

    private readonly ConcurrentDictionary<string, bool> _changed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _references = new(StringComparer.Ordinal);

    public RunningServer Server { get; } = new() { Strict = true };

    public RecordStore Records => Server.Host.Records;

    public async Task InitializeAsync()
    {
        await Server.InitializeAsync();
        var disks = await DiskClient.LoginAsync(Server);
        await new NegativeStorage(this, disks).MakeAsync();
        await new NegativeMachines(this, disks).MakeAsync();
        foreach (var (name, text) in _names)
            _references.TryAdd(text, "$" + name);
        Records.Committed += notice =>
        {
            foreach (var record in notice.Written.Concat(notice.Deleted).Where(r => r.Class.Name is not ("task" or "session" or "host_metrics")))
                _changed[record.Reference] = true;
        };
    }

    public Task DisposeAsync() => Server.DisposeAsync();

    public string this[string name] => _names.TryGetValue(name, out var text) ? text : throw new InvalidDataException("the tables name nothing as $" + name);

    /// <summary>The objects that were written or deleted since the last time; tasks and sessions come and go.</summary>
    public IReadOnlyCollection<string> TakeChanges()
    {
        var changed = _changed.Keys.ToList();
        changed.ForEach(r => _changed.TryRemove(r, out _));
        return changed;
    }

    /// <summary>Gives a name to a reference or another text.</summary>
    public string Call(string name, string text)
    {
        _names.Add(name, text);
        if (Records.Current.Find(text) is { } record)
            _names.Add(name + "_uuid", record.Uuid);
        return text;
    }

    /// <summary>Replaces the names in a text.</summary>
    public string Resolve(string text) => NegativeTables.Variable().Replace(text, m => this[NegativeTables.NameOf(m)]);

    /// <summary>
    /// Replaces the names in an argument. <c>{"@": "VBD", ...}</c> is a complete create record of that class with these
    /// members instead, and without those that <c>"-"</c> names.
    /// </summary>
    public JsonNode? Resolve(JsonNode? argument) => argument switch
    {
        JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(Resolve(text)),
        JsonArray array => new JsonArray([.. array.Select(Resolve)]),
        JsonObject map when map["@"] is { } @class => Record(@class.GetValue<string>(), map),
        JsonObject map => new JsonObject(map.Select(m => KeyValuePair.Create(Resolve(m.Key), Resolve(m.Value)))),
        _ => argument?.DeepClone(),
    };

    /// <summary>The name of a reference in the tables, for messages.</summary>
    public string Name(string reference) => _references.GetValueOrDefault(reference, reference);

    public void Set(string reference, string field, XenValue value) => Records.Commit(unit => unit.Set(reference, field, value));

    public void Run(string reference, string operation) => Set(reference, "current_operations", new XenStruct([BusyTask], [XenString.Of(operation)]));

    public string Insert(string @class, params (string Field, XenValue Value)[] fields)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        Records.Commit(unit => unit.Insert(unit.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString()), .. fields]));
        return reference;
    }

    private JsonObject Record(string @class, JsonObject changes)
    {
        var record = @class switch
        {
            "VM" => Support.Records.Vm("made"),
            "VBD" => Support.Records.Vbd(this["halted"], this["free"]),
            "VIF" => Support.Records.Vif(this["halted"], this["network"], "7"),
            "VDI" => Support.Records.Vdi(this["sr"], Support.Records.MiB),
            "PBD" => JsonArguments.Map(("host", this["host"]), ("SR", this["nopbd"]), ("device_config", JsonArguments.Map())),
            _ => SampleValues.CreateRecord(Records.Model.Class(@class)),
        };
        foreach (var (name, value) in changes.Where(m => m.Key is not ("@" or "-")))
            record[name] = Resolve(value);
        foreach (var name in changes["-"]?.AsArray() ?? [])
            record.Remove(name!.GetValue<string>());
        return record;
    }
}
