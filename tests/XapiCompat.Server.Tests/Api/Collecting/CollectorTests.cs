using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Api.Hosts;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Collecting;

/// <summary>Base copies that nobody needs vanish, and their records with them, as far as SR and disks allow.</summary>
public sealed class CollectorTests(CollectingServer server) : IClassFixture<CollectingServer>
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Bases_vanish_behind_destroyed_snapshots_and_the_disk_stays_what_it_is()
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(4 * MiB);
        var uuid = await disks.UuidAsync(vdi);
        await CollectingServer.FillAsync(disks, vdi, 1, 3 * MiB);
        var snapshots = new List<string>();
        for (byte number = 2; number < 6; number++)
        {
            snapshots.Add(await disks.Api.TextAsync("VDI.snapshot", vdi));
            await CollectingServer.FillAsync(disks, vdi, number, number * 1000);
        }

        var (content, kept) = (await disks.HashAsync(vdi), await disks.HashAsync(snapshots[2]));
        foreach (var snapshot in snapshots.Where(s => s != snapshots[2]))
            await disks.Api.CallAsync("VDI.destroy", snapshot);
        await CollectingServer.WaitAsync(disks, t => t.IsTidy);
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(2);
        (await disks.HashAsync(vdi)).Should().Be(content);
        (await disks.HashAsync(snapshots[2])).Should().Be(kept);

        await disks.Api.CallAsync("VDI.destroy", snapshots[2]);
        await CollectingServer.WaitAsync(disks, t => t.Parents[uuid] is null);
        (await disks.HashAsync(vdi)).Should().Be(content);
        (await disks.UuidAsync(vdi)).Should().Be(uuid);
        (await disks.RecordAsync(vdi))["sm_config"]!.AsObject().Should().NotContainKey("vhd-parent");
        await CollectingServer.CollectAsync(disks);
        var used = await UsedAsync(disks);
        await disks.Api.CallAsync("SR.scan", await disks.DefaultSrAsync());
        (await CollectingServer.TreeAsync(disks)).Parents[uuid].Should().BeNull();
        (await UsedAsync(disks)).Should().Be(used, "the collector keeps the SR's sizes");
    }

    [Fact]
    public async Task Work_shows_as_a_task_and_its_absence_does_not()
    {
        var disks = await server.LoginAsync();
        await CollectingServer.CollectAsync(disks);
        var before = await CollectionsAsync(disks);
        (await CollectingServer.CollectAsync(disks)).Should().Be(0);
        (await CollectionsAsync(disks)).Keys.Should().BeEquivalentTo(before.Keys);

        var vdi = await disks.CreateAsync(2 * MiB);
        await CollectingServer.FillAsync(disks, vdi, 1);
        await disks.Api.CallAsync("VDI.destroy", await disks.Api.TextAsync("VDI.snapshot", vdi));
        await CollectingServer.WaitAsync(disks, t => t.IsTidy);
        await CollectingServer.CollectAsync(disks);
        var added = (await CollectionsAsync(disks)).Should().ContainSingle("the last run's task is there, and no older one").Which;
        before.Should().NotContainKey(added.Key);
        added.Value["status"]!.GetValue<string>().Should().Be("success");
        added.Value["name_description"]!.GetValue<string>().Should().StartWith("Garbage collection for SR ");
    }

    [Theory]
    [InlineData("SR", "gc", "false", 4)]
    [InlineData("SR", "coalesce", "false", 4)]
    [InlineData("SR", "leaf-coalesce", "false", 2)]
    [InlineData("VDI", "leaf-coalesce", "false", 2)]
    [InlineData("VDI", "leaf-coalesce", "force", 1)]
    [InlineData("SR", "leaf-coalesce", "force", 1)]
    public async Task Other_config_switches_parts_off(string @class, string key, string value, int depth)
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(2 * MiB);
        var uuid = await disks.UuidAsync(vdi);
        var switched = @class == "VDI" ? vdi : await disks.DefaultSrAsync();
        await CollectingServer.SetAsync(disks, @class, switched, key, value);
        for (byte number = 1; number < 4; number++)
        {
            await CollectingServer.FillAsync(disks, vdi, number, number * 512);
            await disks.Api.CallAsync("VDI.destroy", await disks.Api.TextAsync("VDI.snapshot", vdi));
        }

        await CollectingServer.FillAsync(disks, vdi, 9);
        await CollectingServer.CollectAsync(disks);
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(depth);
        await CollectingServer.SetAsync(disks, @class, switched, key, null);
        await CollectingServer.CollectAsync(disks);
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(1);
        (await disks.ExportAsync(vdi))[511..514].Should().Equal(9, 3, 3);
    }

    [Fact]
    public async Task A_disk_that_is_reset_at_boot_keeps_its_parent()
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(2 * MiB);
        var uuid = await disks.UuidAsync(vdi);
        await CollectingServer.FillAsync(disks, vdi, 1);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await CollectingServer.FillAsync(disks, vdi, 2);
        await disks.Api.CallAsync("VDI.set_on_boot", vdi, "reset");
        await disks.Api.CallAsync("VDI.destroy", snapshot);
        await CollectingServer.CollectAsync(disks);
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(2);
        await disks.Api.CallAsync("VDI.set_on_boot", vdi, "persist");
        await CollectingServer.CollectAsync(disks);
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(1);
    }

    [Fact]
    public async Task Two_hundred_rolling_snapshots_keep_the_chain_short()
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(4 * MiB);
        var uuid = await disks.UuidAsync(vdi);
        var kept = new Queue<(string Snapshot, byte Value)>();
        for (var round = 0; round < 200; round++)
        {
            await CollectingServer.FillAsync(disks, vdi, (byte)round, 512 * ((round % 7) + 1));
            kept.Enqueue((await disks.Api.TextAsync("VDI.snapshot", vdi), (byte)round));
            if (kept.Count > 3)
                await disks.Api.CallAsync("VDI.destroy", kept.Dequeue().Snapshot);
            if (round % 10 == 0)
                (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().BeLessThanOrEqualTo(30);
        }

        await CollectingServer.WaitAsync(disks, t => t.IsTidy && t.DepthOf(uuid) <= 5);
        foreach (var (snapshot, value) in kept)
            (await disks.ExportAsync(snapshot))[0].Should().Be(value);
        (await disks.ExportAsync(vdi))[0].Should().Be(199);
    }

    [Fact]
    public async Task A_full_chain_is_made_shorter_for_a_snapshot_where_that_can_be_done()
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(2 * MiB);
        var sr = await disks.DefaultSrAsync();
        await CollectingServer.SetAsync(disks, "SR", sr, "gc", "false");
        var error = await UntilErrorAsync(disks, vdi, keep: false);
        error.Should().StartWith("SR_BACKEND_FAILURE_109");
        (await CollectingServer.TreeAsync(disks)).DepthOf(await disks.UuidAsync(vdi)).Should().Be(30);
        await CollectingServer.SetAsync(disks, "SR", sr, "gc", null);
        await disks.Api.TextAsync("VDI.snapshot", vdi);

        // Where every snapshot is kept there is nothing to merge.
        var other = await disks.CreateAsync(2 * MiB);
        (await UntilErrorAsync(disks, other, keep: true)).Should().StartWith("SR_BACKEND_FAILURE_109");
    }

    [Fact]
    public async Task A_cancelled_collection_and_an_unplugged_repository_end_it_cleanly()
    {
        var faults = new StorageFaults();
        await using var own = new OwnServer
        {
            Server = await RunningServer.CreateAsync(o => o with { CollectorDelay = TimeSpan.Zero, WrapStorage = plugin => new UnreliablePlugin(plugin, faults) }),
        };
        var disks = await DiskClient.LoginAsync(own.Server);
        var sr = await disks.DefaultSrAsync();
        await CollectingServer.SetAsync(disks, "SR", sr, "gc", "false");
        var vdi = await disks.CreateAsync(32 * MiB);
        for (byte number = 1; number < 6; number++)
        {
            await CollectingServer.FillAsync(disks, vdi, number, 24 * MiB);
            await disks.Api.CallAsync("VDI.destroy", await disks.Api.TextAsync("VDI.snapshot", vdi));
        }

        var hash = await disks.HashAsync(vdi);
        await CollectingServer.SetAsync(disks, "SR", sr, "gc", null);
        using (var pause = faults.Pause("merge", 2))
        {
            await disks.Api.CallAsync("SR.scan", sr);
            await pause.Reached;
            var task = await PendingAsync(disks);
            await disks.Api.CallAsync("task.cancel", task);
            (await disks.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("cancelled");
        }

        using (var pause = faults.Pause("merge", 2))
        {
            await disks.Api.CallAsync("SR.scan", sr);
            await pause.Reached;
            var pbd = (await disks.Api.ListAsync("SR.get_PBDs", sr))[0];
            await disks.Api.CallAsync("PBD.unplug", pbd);
            await disks.Api.CallAsync("PBD.plug", pbd);
        }

        await CollectingServer.WaitAsync(disks, t => t.IsTidy);
        (await disks.HashAsync(vdi)).Should().Be(hash);
    }

    [Fact]
    public async Task A_disk_is_flattened_in_place()
    {
        var disks = await server.LoginAsync();
        var vdi = await disks.CreateAsync(4 * MiB);
        await CollectingServer.FillAsync(disks, vdi, 1, 3 * MiB);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await CollectingServer.FillAsync(disks, vdi, 2, 5000);
        var (content, before) = (await disks.HashAsync(vdi), await disks.HashAsync(snapshot));
        var uuid = await disks.UuidAsync(vdi);
        (await CollectingServer.PluginAsync(disks, "flatten_vdi", ("vdi", uuid))).Should().Be("true");
        (await CollectingServer.TreeAsync(disks)).DepthOf(uuid).Should().Be(1);
        (await CollectingServer.PluginAsync(disks, "flatten_vdi", ("vdi", vdi))).Should().Be("true");
        (await disks.HashAsync(vdi)).Should().Be(content);
        (await disks.HashAsync(snapshot)).Should().Be(before);
        await disks.Api.CallAsync("VDI.destroy", snapshot);
        await CollectingServer.FillAsync(disks, vdi, 7);
        (await disks.ExportAsync(vdi))[..514].Should().Equal([.. Enumerable.Repeat((byte)7, 512), 2, 2]);

        (await disks.Api.ErrorAsync("host.call_plugin", (await disks.Api.ListAsync("host.get_all"))[0], "xapicompat", "flatten_vdi", JsonArguments.Map(("vdi", "none"))))
            .Should().Equal("INVALID_VALUE", "vdi", "none");
        (await disks.Api.ErrorAsync("host.call_plugin", (await disks.Api.ListAsync("host.get_all"))[0], "xapicompat", "unknown", JsonArguments.Map()))[0]
            .Should().Be("UNKNOWN_XENAPI_PLUGIN_FUNCTION");
    }

    [Fact]
    public async Task Snapshots_and_reverts_of_machines_leave_tidy_trees()
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var disks = rig.Disks;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async number =>
        {
            for (var round = 0; round < 6; round++)
            {
                var snapshot = await rig.SnapshotAsync($"{number} {round}");
                foreach (var vbd in await rig.Api.ListAsync("VM.get_VBDs", snapshot))
                {
                    var vdi = await rig.Api.TextAsync("VBD.get_VDI", vbd);
                    if (vdi != Records.Null)
                        await rig.Api.CallAsync("VDI.destroy", vdi);
                }

                await rig.Api.CallAsync("VM.destroy", snapshot);
            }
        }));
        var last = await rig.SnapshotAsync();
        foreach (var vdi in (await rig.DisksAsync()).Values)
            await rig.MarkAsync(vdi, 99);
        await rig.Api.CallAsync("VM.revert", last);
        await CollectingServer.WaitAsync(disks, t => t.IsTidy);
        (await rig.ReadMarkAsync((await rig.DisksAsync())["0"])).Should().Be(1);
        var before = await CollectingServer.TreeAsync(disks);
        await rig.Api.CallAsync("SR.scan", await disks.DefaultSrAsync());
        (await CollectingServer.TreeAsync(disks)).Parents.Should().BeEquivalentTo(before.Parents, "records and files agree");
    }

    private static async Task<long> UsedAsync(DiskClient disks) => long.Parse((await disks.Api.CallAsync("SR.get_physical_utilisation", await disks.DefaultSrAsync())).ToString(), System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<string> UntilErrorAsync(DiskClient disks, string vdi, bool keep)
    {
        for (byte number = 1; number < 60; number++)
        {
            await CollectingServer.FillAsync(disks, vdi, number);
            var answer = await disks.Api.AnswerAsync("VDI.snapshot", vdi);
            if (answer.Error is not null)
                return answer.Error[0];
            if (!keep)
                await disks.Api.CallAsync("VDI.destroy", answer.Value!.GetValue<string>());
        }

        return "";
    }

    private static async Task<Dictionary<string, JsonObject>> CollectionsAsync(DiskClient disks) => (await disks.Api.CallAsync("task.get_all_records")).AsObject()
        .Where(p => p.Value!["name_label"]!.GetValue<string>() == "Garbage Collection")
        .ToDictionary(p => p.Key, p => p.Value!.AsObject(), StringComparer.Ordinal);

    private static async Task<string> PendingAsync(DiskClient disks) =>
        (await CollectionsAsync(disks)).Should().ContainSingle(t => t.Value["status"]!.GetValue<string>() == "pending").Subject.Key;
}
