using System.Text.Json.Nodes;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Networks, interfaces and VMs for tests; what no call can make is written into the records.</summary>
internal sealed class NetworkRig(RunningServer server, XenClient api)
{
    private int _number;

    public XenClient Api { get; } = api;

    public RecordStore Records => server.Host.Records;

    public string Host => Get(Pool).Target("master");

    public string Pool => All("pool").First().Reference;

    public string ManagementPif => All("PIF").First(p => p.Flag("management")).Reference;

    public static async Task<NetworkRig> CreateAsync(RunningServer server) => new(server, await server.LoginAsync());

    public IEnumerable<Record> All(string @class) => Records.Current.All(Records.Model.Class(@class));

    public Record Get(string reference) => Records.Current.Find(reference)!;

    public bool Exists(string reference) => Records.Current.Find(reference) is not null;

    public void Set(string reference, string field, XenValue value) => Records.Commit(unit => unit.Set(reference, field, value));

    public string Insert(string @class, params (string Field, XenValue Value)[] fields)
    {
        var reference = Ref.Prefix + Guid.NewGuid().ToString("D");
        Records.Commit(unit => unit.Insert(Records.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString("D")), .. fields]));
        return reference;
    }

    public void Delete(string reference) => Records.Commit(unit => unit.Delete(reference));

    /// <summary>Sets a field for the time of one call, and back.</summary>
    public async Task<IReadOnlyList<string>> ErrorWhileAsync(string reference, string field, XenValue value, string method, params object?[] arguments)
    {
        var before = Get(reference)[field];
        Set(reference, field, value);
        try
        {
            return await Api.ErrorAsync(method, arguments);
        }
        finally
        {
            Set(reference, field, before);
        }
    }

    public Task<string> NetworkAsync(string bridge = "", params (string Name, object? Value)[] other) =>
        Api.TextAsync("network.create", Members([("name_label", "net"), ("bridge", bridge), ("other_config", JsonArguments.Map()), .. other]));

    public async Task<string> VmAsync(string state = "Halted", string? host = null)
    {
        var vm = await Api.TextAsync("VM.create", Support.Records.Vm("guest", ("HVM_boot_policy", "")));
        if (state != "Halted")
            SetState(vm, state, host);
        return vm;
    }

    public void SetState(string vm, string state, string? host = null) => Records.Commit(unit =>
    {
        unit.Set(vm, "power_state", state);
        unit.Set(vm, "domid", state is "Running" or "Paused" ? 7 : -1);
        unit.Set(vm, "resident_on", state is "Running" or "Paused" ? host ?? Host : Ref.Null.Text);
    });

    public Task<string> VifAsync(string vm, string network, string device = "0") => Api.TextAsync("VIF.create", Support.Records.Vif(vm, network, device));

    /// <summary>A physical interface as a host finds it: with a network of its own, metrics, and nothing configured.</summary>
    public async Task<string> PifAsync(string? device = null, string? host = null, string? network = null)
    {
        var number = Interlocked.Increment(ref _number);
        return Insert(
            "PIF",
            ("device", device ?? "eth" + (10 + number)),
            ("network", network ?? await NetworkAsync()),
            ("host", host ?? Host),
            ("MAC", "02:00:00:00:01:" + number.ToString("x2")),
            ("MTU", 1500),
            ("VLAN", -1),
            ("physical", true),
            ("currently_attached", true),
            ("properties", XenStruct.Of(("gro", "on"))),
            ("metrics", Insert("PIF_metrics", ("carrier", true), ("speed", 1000), ("duplex", true))));
    }

    /// <summary>A second host of the pool, as far as networks see it.</summary>
    public string AddHost()
    {
        var first = Get(Host);
        return Insert(
            "host",
            ("name_label", "second"),
            ("hostname", "second"),
            ("address", "192.0.2.2"),
            ("enabled", true),
            ("software_version", first["software_version"]),
            ("license_params", first["license_params"]),
            ("metrics", Insert("host_metrics", ("live", true))));
    }

    /// <summary>A session as hosts of a pool have among each other.</summary>
    public XenClient PoolSession()
    {
        var own = Get(Api.Session);
        var fields = own.Class.Fields.Where(f => !f.Computed && f.Name != "uuid").Select(f => (f.Name, own[f]));
        return new(Api.Wire, Insert("session", [.. fields, ("pool", true)]));
    }

    /// <summary>Later members replace earlier ones.</summary>
    private static JsonObject Members((string Name, object? Value)[] members)
    {
        var record = new JsonObject();
        foreach (var (name, value) in members)
            record[name] = JsonArguments.Of(value);
        return record;
    }
}
