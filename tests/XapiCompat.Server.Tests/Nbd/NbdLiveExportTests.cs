using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Nbd;

/// <summary>Disks that are offered by the plugin while they are in use.</summary>
public sealed class NbdLiveExportTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.call_plugin")]
    public async Task An_export_is_started_listed_described_used_and_stopped()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync(null);
        var (vdi, content) = await rig.DiskAsync(1);
        var uuid = await rig.Disks.UuidAsync(vdi);
        var started = await rig.PluginAsync("nbd_export_start", ("vdi", uuid), ("writable", "true"), ("name", "restore me"));
        started["address"]!.GetValue<string>().Should().Be("127.0.0.1");
        started["port"]!.GetValue<int>().Should().Be(rig.Endpoint.Port);
        started["exportname"]!.GetValue<string>().Should().Be("restore me");
        started["uri"]!.GetValue<string>().Should().Be($"nbd://127.0.0.1:{rig.Endpoint.Port}/restore%20me");
        started["vdi"]!.GetValue<string>().Should().Be(uuid);
        started["writable"]!.GetValue<bool>().Should().BeTrue();
        started.AsObject().ContainsKey("cert").Should().BeFalse();

        await using var client = await rig.OpenAsync("restore me");
        (await client.ReadAsync(0, NbdRig.Size)).Should().Equal(content);
        (await client.WriteAsync(5_000_001, [7, 8, 9], CommandFlags.Fua)).Should().Be(NbdError.None);
        (await client.DoAsync(NbdCommand.WriteZeroes, 10, 1_000_000)).Should().Be(NbdError.None);
        (await client.DoAsync(NbdCommand.Trim, 2_000_000, 100)).Should().Be(NbdError.None);
        (await client.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None);
        (await rig.PluginAsync("nbd_export_list")).AsArray().Should().ContainSingle(e => e!["name"]!.GetValue<string>() == "restore me");
        (await rig.PluginAsync("nbd_export_describe", ("name", "restore me")))["connections"]!.GetValue<int>().Should().Be(1);
        (await rig.Api.ErrorAsync("VDI.destroy", vdi)).Should().HaveElementAt(0, "VDI_IN_USE");
        (await rig.Api.ErrorAsync("VDI.resize", vdi, 2L * NbdRig.Size)).Should().HaveElementAt(0, "VDI_IN_USE");

        (await rig.PluginAsync("nbd_export_stop", ("name", "restore me"))).GetValue<bool>().Should().BeTrue();
        (await client.IsClosedAsync()).Should().BeTrue();
        (await rig.PluginErrorAsync("nbd_export_describe", ("name", "restore me"))).Should().Equal("INVALID_VALUE", "name", "restore me");
        new byte[] { 7, 8, 9 }.CopyTo(content, 5_000_001);
        content.AsSpan(10, 1_000_000).Clear();
        content.AsSpan(2_000_000, 100).Clear();
        (await rig.Disks.ExportAsync(vdi)).Should().Equal(content);
        await rig.Api.CallAsync("VDI.destroy", vdi);
    }

    [Fact]
    public async Task Snapshots_under_a_writing_guest_are_instants()
    {
        var rig = await NbdRig.LoginAsync(server);
        var vdi = await rig.Disks.CreateAsync(NbdRig.Size);
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("writable", "true"), ("name", "guest"));
        await using var guest = await rig.OpenAsync("guest");
        using var enough = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(async () =>
        {
            // Each write is one number, at places in three blocks of the file; a later one never lands without the earlier ones.
            for (uint i = 1; !enough.IsCancellationRequested; i++)
            {
                (await guest.WriteAsync(Place(i), NbdClient.UInt32(i))).Should().Be(NbdError.None);
                written++;
            }
        });
        var snapshots = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            snapshots.Add(await rig.Api.TextAsync("VDI.snapshot", vdi));
            for (var before = written; written < before + 20;)
                await Task.Delay(1);
        }

        await enough.CancelAsync();
        await writing;
        var last = 0;
        foreach (var snapshot in snapshots)
        {
            var content = await rig.Disks.ExportAsync(snapshot);
            var count = 0;
            while (Number(content, (uint)count + 1) == count + 1)
                count++;
            for (var i = count + 1; i <= written; i++)
                Number(content, (uint)i).Should().Be(0, "write {0} came after {1}, which is not there", i, count + 1);
            count.Should().BeGreaterThanOrEqualTo(last);
            last = count;
        }

        last.Should().BePositive();
        await rig.PluginAsync("nbd_export_stop", ("name", "guest"));
        var end = await rig.Disks.ExportAsync(vdi);
        for (var i = 1; i <= written; i++)
            Number(end, (uint)i).Should().Be((uint)i);

        static long Place(uint i) => i % 3 * (2 << 20) + i * 4L;
        static uint Number(byte[] content, uint i) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan((int)Place(i)));
    }

    [Fact]
    public async Task A_read_only_export_shows_what_is_written_meanwhile()
    {
        var rig = await NbdRig.LoginAsync(server);
        var (vdi, content) = await rig.DiskAsync(3);
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi));
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("writable", "True"), ("name", "w3"));
        await using var reader = await rig.OpenAsync(await rig.Disks.UuidAsync(vdi));
        await using var writer = await rig.OpenAsync("w3");
        (await reader.ReadAsync(7_000_000, 3)).Should().Equal(0, 0, 0);
        (await reader.WriteAsync(0, [1])).Should().Be(NbdError.Perm);
        (await writer.WriteAsync(7_000_000, [1, 2, 3])).Should().Be(NbdError.None);
        (await reader.ReadAsync(7_000_000, 3)).Should().Equal(1, 2, 3);
        var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
        (await writer.WriteAsync(7_000_000, [4, 5, 6])).Should().Be(NbdError.None);
        (await reader.ReadAsync(7_000_000, 3)).Should().Equal(4, 5, 6);
        (await rig.Disks.ExportAsync(snapshot))[7_000_000..7_000_003].Should().Equal(1, 2, 3);
        content.Should().NotBeEmpty();
        await rig.PluginAsync("nbd_export_stop", ("name", "w3"));
        await rig.PluginAsync("nbd_export_stop", ("name", await rig.Disks.UuidAsync(vdi)));
    }

    [Fact]
    public async Task Exports_may_be_asked_for_under_TLS_and_must_be_where_the_pool_says_so()
    {
        var rig = await NbdRig.LoginAsync(server);
        var (vdi, content) = await rig.DiskAsync(4);
        await rig.PurposeAsync("nbd");
        var started = await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("name", "secret"));
        started["tls"]!.GetValue<bool>().Should().BeTrue();
        started["cert"]!.GetValue<string>().Should().StartWith("-----BEGIN CERTIFICATE-----");
        (await rig.RefusalAsync("secret")).Should().Be(NbdOptionReply.ErrTlsReqd);
        await rig.PurposeAsync(null);
        await using var client = await rig.ConnectAsync();
        await client.StartTlsAsync();
        await client.GoAsync("secret");
        (await client.ReadAsync(0, 1000)).Should().Equal(content[..1000]);
        await rig.PluginAsync("nbd_export_stop", ("name", "secret"));
    }

    [Fact]
    public async Task Arguments_that_make_no_sense_are_refused()
    {
        var rig = await NbdRig.LoginAsync(server);
        var (vdi, _) = await rig.DiskAsync(5);
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("name", "taken"));
        (await rig.PluginErrorAsync("nbd_export_start", ("vdi", vdi), ("name", "taken"))).Should().Equal("INVALID_VALUE", "name", "taken");
        (await rig.PluginErrorAsync("nbd_export_start", ("vdi", vdi), ("name", "/slash"))).Should().Equal("INVALID_VALUE", "name", "/slash");
        (await rig.PluginErrorAsync("nbd_export_start", ("vdi", vdi), ("writable", "perhaps"))).Should().Equal("INVALID_VALUE", "writable", "perhaps");
        (await rig.PluginErrorAsync("nbd_export_start")).Should().Equal("INVALID_VALUE", "vdi", "");
        (await rig.PluginErrorAsync("nbd_export_start", ("vdi", "OpaqueRef:none"))).Should().Equal("HANDLE_INVALID", "VDI", "OpaqueRef:none");
        (await rig.PluginErrorAsync("nbd_export_stop", ("name", "none"))).Should().Equal("INVALID_VALUE", "name", "none");
        (await rig.PluginErrorAsync("nbd_export_turn")).Should().Equal("UNKNOWN_XENAPI_PLUGIN_FUNCTION", "nbd_export_turn");
        await rig.PluginAsync("nbd_export_stop", ("name", "taken"));
        await rig.Api.CallAsync("VDI.destroy", vdi);
    }

    [Fact]
    public async Task A_restart_drops_exports_and_keeps_what_was_written()
    {
        await using var own = new OwnServer(await RunningServer.CreateAsync());
        var rig = await NbdRig.LoginAsync(own.Server);
        var (vdi, content) = await rig.DiskAsync(6);
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("writable", "true"), ("name", "gone"));
        await using (var client = await rig.OpenAsync("gone"))
        {
            (await client.WriteAsync(100, [1, 2, 3])).Should().Be(NbdError.None);
            await own.Server.RestartAsync();
            (await client.IsClosedAsync()).Should().BeTrue();
        }

        rig = await NbdRig.LoginAsync(own.Server);
        (await rig.PluginAsync("nbd_export_list")).AsArray().Should().BeEmpty();
        new byte[] { 1, 2, 3 }.CopyTo(content, 100);
        (await rig.Disks.ExportAsync(vdi)).Should().Equal(content);
    }

    private sealed record OwnServer(RunningServer Server) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Server.DisposeAsync();
    }
}
