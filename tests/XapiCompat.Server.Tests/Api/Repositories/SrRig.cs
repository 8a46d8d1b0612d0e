using System.Text.Json.Nodes;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>Storage repositories as an administrator handles them.</summary>
internal sealed class SrRig(RunningServer server, DiskClient disks)
{
    public DiskClient Disks { get; } = disks;

    public XenClient Api => Disks.Api;

    public string Host { get; private set; } = "";

    /// <summary>The directory below which SRs may be.</summary>
    public string Root => Path.Combine(server.StatePath, "sr");

    public static async Task<SrRig> CreateAsync(RunningServer server)
    {
        var rig = new SrRig(server, await DiskClient.LoginAsync(server));
        rig.Host = (await rig.Api.ListAsync("host.get_all"))[0];
        return rig;
    }

    /// <summary>A directory that does not exist yet.</summary>
    public string NewPlace() => Path.Combine(Root, "place-" + Guid.NewGuid().ToString("N"));

    public static object?[] Arguments(string host, string type, JsonObject config, bool shared = false) =>
        [host, config, 0, "a repository", "made by a test", type, "user", shared, JsonArguments.Map(("key", "value"))];

    public Task<string> MakeAsync(string type, params (string Key, object? Value)[] config) =>
        Api.TextAsync("SR.create", Arguments(Host, type, JsonArguments.Map(config)));

    /// <summary>An SR of type file in a directory of its own.</summary>
    public Task<string> MakeFileAsync(string? place = null) => MakeAsync("file", ("location", place ?? NewPlace()));

    public Task<IReadOnlyList<string>> RefusalAsync(string type, params (string Key, object? Value)[] config) =>
        Api.ErrorAsync("SR.create", Arguments(Host, type, JsonArguments.Map(config)));

    public async Task<string> PbdAsync(string sr) => (await Api.ListAsync("SR.get_PBDs", sr))[0];

    public async Task UnplugAsync(string sr) => await Api.CallAsync("PBD.unplug", await PbdAsync(sr));

    public Task<string> DiskAsync(string sr, string name = "disk", long size = 2 * Records.MiB) => Api.TextAsync("VDI.create", Records.Vdi(sr, size, name));

    public Task<string> IntroduceAsync(string uuid, string type) =>
        Api.TextAsync("SR.introduce", uuid, "again", "found", type, "user", false, JsonArguments.Map());

    public Task<string> ConnectAsync(string sr, JsonNode config, string? host = null) => Api.TextAsync(
        "PBD.create", JsonArguments.Map(("host", host ?? Host), ("SR", sr), ("device_config", config.DeepClone()), ("other_config", JsonArguments.Map(("k", "v")))));

    public void Set(string reference, string field, XenValue value) => server.Host.Records.Commit(unit => unit.Set(reference, field, value));

    /// <summary>The numbers of an SR, and what they must be by its disks and files.</summary>
    public async Task<(long Allocation, long Used, long ExpectedAllocation, long ExpectedUsed, long Files)> SizesAsync(string sr, string directory)
    {
        var record = await Api.RecordAsync("SR", sr);
        var (allocation, used) = (0L, 0L);
        foreach (var vdi in await Api.ListAsync("SR.get_VDIs", sr))
        {
            var disk = await Api.RecordAsync("VDI", vdi);
            used += Number(disk["physical_utilisation"]);
            if (disk["managed"]!.GetValue<bool>())
                allocation += Number(disk["virtual_size"]);
        }

        var files = Directory.EnumerateFiles(directory, "*.vhd").Sum(f => new FileInfo(f).Length);
        return (Number(record["virtual_allocation"]), Number(record["physical_utilisation"]), allocation, used, files);
    }

    public static long Number(JsonNode? node) => long.Parse(node!.ToString());
}
