using System.Diagnostics;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Collecting;

/// <summary>A server that collects at once, and looks at its trees through the API.</summary>
public sealed class CollectingServer : IAsyncLifetime
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    public RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RunningServer.CreateAsync(o => o with { CollectorDelay = TimeSpan.Zero });

    public Task DisposeAsync() => Server.DisposeAsync();

    public Task<DiskClient> LoginAsync() => DiskClient.LoginAsync(Server);

    /// <summary>Parents of all volumes by uuid, and which of them are managed.</summary>
    public static async Task<TreeView> TreeAsync(DiskClient disks)
    {
        var records = (await disks.Api.CallAsync("VDI.get_all_records")).AsObject().Select(p => p.Value!.AsObject()).ToList();
        return new(
            records.ToDictionary(r => Text(r, "uuid"), r => r["sm_config"]!["vhd-parent"]?.GetValue<string>(), StringComparer.Ordinal),
            records.Where(r => r["managed"]!.GetValue<bool>()).Select(r => Text(r, "uuid")).ToHashSet(StringComparer.Ordinal));
    }

    public static async Task WaitAsync(DiskClient disks, Func<TreeView, bool> condition)
    {
        var watch = Stopwatch.StartNew();
        for (var tree = await TreeAsync(disks); !condition(tree); tree = await TreeAsync(disks))
        {
            watch.Elapsed.Should().BeLessThan(HangCap, "the tree is " + tree);
            await Task.Delay(10);
        }
    }

    /// <summary>Runs the collector to its end.</summary>
    public static async Task<int> CollectAsync(DiskClient disks) =>
        int.Parse(await PluginAsync(disks, "coalesce_now", ("sr", await disks.DefaultSrAsync())), System.Globalization.CultureInfo.InvariantCulture);

    public static async Task<string> PluginAsync(DiskClient disks, string function, params (string Name, object? Value)[] arguments) =>
        await disks.Api.TextAsync("host.call_plugin", (await disks.Api.ListAsync("host.get_all"))[0], "xapicompat", function, JsonArguments.Map(arguments));

    public static Task FillAsync(DiskClient disks, string vdi, byte value, int length = 512) =>
        disks.ImportAsync(vdi, [.. Enumerable.Repeat(value, length)]);

    public static async Task SetAsync(DiskClient disks, string @class, string reference, string key, string? value)
    {
        await disks.Api.CallAsync(@class + ".remove_from_other_config", reference, key);
        if (value is not null)
            await disks.Api.CallAsync(@class + ".add_to_other_config", reference, key, value);
    }

    private static string Text(JsonObject record, string name) => record[name]!.GetValue<string>();
}

/// <summary>The trees of all SRs.</summary>
public sealed record TreeView(IReadOnlyDictionary<string, string?> Parents, IReadOnlySet<string> Managed)
{
    public IEnumerable<string> Bases => Parents.Keys.Where(k => !Managed.Contains(k));

    /// <summary>Backup clients refuse chains with an unmanaged disk whose only child is unmanaged, too.</summary>
    public bool IsHealthy => !Bases.Any(b => ChildrenOf(b) is [var only] && !Managed.Contains(only)) && Parents.Values.OfType<string>().All(Parents.ContainsKey);

    /// <summary>No base has one child only.</summary>
    public bool IsTidy => IsHealthy && Bases.All(b => ChildrenOf(b).Count > 1);

    public int DepthOf(string uuid)
    {
        var depth = 0;
        for (string? node = uuid; node is not null; node = Parents.GetValueOrDefault(node))
            depth++;
        return depth;
    }

    public IReadOnlyList<string> ChildrenOf(string uuid) => [.. Parents.Where(p => p.Value == uuid).Select(p => p.Key)];

    public override string ToString() => string.Join(", ", Parents.Select(p => p.Key + (Managed.Contains(p.Key) ? "" : " (base)") + " on " + p.Value));
}
