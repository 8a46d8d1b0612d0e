using System.Security.Cryptography.X509Certificates;
using System.Text;
using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Nbd;

/// <summary>Disks that are read over NBD as a real pool offers them.</summary>
public sealed class NbdDiskExportTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VDI.get_nbd_info", "network.add_purpose")]
    public async Task A_disk_is_read_where_get_nbd_info_says()
    {
        var rig = await NbdRig.LoginAsync(server);
        var (vdi, content) = await rig.DiskAsync(1);
        await rig.PurposeAsync(null);
        (await rig.Api.CallAsync("VDI.get_nbd_info", vdi)).AsArray().Should().BeEmpty("no network is for NBD");
        await rig.PurposeAsync("insecure_nbd");
        var info = (await rig.Api.CallAsync("VDI.get_nbd_info", vdi)).AsArray().Should().ContainSingle().Which!.AsObject();
        info.Select(m => m.Key).Should().Equal("exportname", "address", "port", "cert", "subject");
        info["exportname"]!.GetValue<string>().Should().Be($"/{await rig.Disks.UuidAsync(vdi)}?session_id={rig.Api.Session}");
        info["address"]!.GetValue<string>().Should().Be("127.0.0.1");
        info["port"]!.GetValue<int>().Should().Be(rig.Endpoint.Port);
        var pem = info["cert"]!.GetValue<string>();
        pem.Should().Be(await rig.Api.TextAsync("host.get_server_certificate", await rig.HostAsync()));
        using (var certificate = X509Certificate2.CreateFromPem(pem))
            info["subject"]!.GetValue<string>().Should().Be(certificate.GetNameInfo(X509NameType.DnsName, false));

        await using var client = await rig.OpenAsync(info["exportname"]!.GetValue<string>(), "base:allocation");
        client.Size.Should().Be(NbdRig.Size);
        client.Flags.Should().HaveFlag(TransmissionFlags.ReadOnly);
        (await client.ReadAsync(0, NbdRig.Size)).Should().Equal(content);
        (await client.StatusAsync(0, NbdRig.Size))["base:allocation"].Should().Equal((4 << 20, BlockState.Data), (4 << 20, BlockState.HoleZero));
        (await client.WriteAsync(0, [1])).Should().Be(NbdError.Perm);
    }

    [Fact]
    public async Task A_purpose_of_nbd_forces_TLS()
    {
        var rig = await NbdRig.LoginAsync(server);
        var (vdi, content) = await rig.DiskAsync(2);
        await rig.PurposeAsync("nbd");
        var name = await rig.NameAsync(vdi);
        await using (var plain = await rig.ConnectAsync())
        {
            await plain.SendOptionAsync(NbdOption.ExportName, Encoding.UTF8.GetBytes(name));
            (await plain.IsClosedAsync()).Should().BeTrue();
        }

        await using var client = await rig.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.Go, NbdClient.GoData(name))).Should().Be(NbdOptionReply.ErrTlsReqd);
        await client.StartTlsAsync();
        await client.ExportNameAsync(name, zeroes: false);
        (await client.ReadAsync(0, NbdRig.Size)).Should().Equal(content);
    }

    [Fact]
    public async Task Without_a_purpose_connections_are_dropped()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync(null);
        await using var client = await NbdClient.ConnectBareAsync(rig.Endpoint);
        (await client.IsClosedAsync()).Should().BeTrue();
        await rig.Invoking(r => r.ConnectAsync()).Should().ThrowAsync<IOException>();
    }

    [Fact]
    public async Task Only_a_session_that_may_export_opens_a_disk()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        var (vdi, _) = await rig.DiskAsync(3);
        var uuid = await rig.Disks.UuidAsync(vdi);
        var ended = await server.LoginAsync();
        await ended.CallAsync("session.logout");
        (await rig.RefusalAsync($"/{uuid}?session_id={ended.Session}")).Should().Be(NbdOptionReply.ErrPolicy);
        (await rig.RefusalAsync($"/{uuid}?session_id=OpaqueRef:NULL")).Should().Be(NbdOptionReply.ErrPolicy);
        (await rig.RefusalAsync($"/{uuid}?session_id={vdi}")).Should().Be(NbdOptionReply.ErrPolicy);
        (await rig.RefusalAsync($"/{uuid}?session_id=")).Should().Be(NbdOptionReply.ErrPolicy);
        (await rig.RefusalAsync($"/{uuid}?other={rig.Api.Session}")).Should().Be(NbdOptionReply.ErrPolicy);
        (await rig.RefusalAsync($"/{uuid}")).Should().Be(NbdOptionReply.ErrUnknown);
        (await rig.RefusalAsync($"/{Guid.Empty}?session_id={rig.Api.Session}")).Should().Be(NbdOptionReply.ErrUnknown);
        (await rig.RefusalAsync($"/../../etc/passwd?session_id={rig.Api.Session}")).Should().Be(NbdOptionReply.ErrUnknown);
        (await rig.RefusalAsync("")).Should().Be(NbdOptionReply.ErrUnknown);
        (await rig.RefusalAsync($"/{uuid}?session_id={rig.Api.Session}")).Should().Be(NbdOptionReply.Ack);
    }

    [Fact]
    public async Task A_session_that_ends_does_not_end_its_connections()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        var (vdi, content) = await rig.DiskAsync(4);
        var other = await NbdRig.LoginAsync(server);
        await using var client = await rig.OpenAsync(await other.NameAsync(vdi));
        await other.Api.CallAsync("session.logout");
        await rig.PurposeAsync(null);
        (await client.ReadAsync(1, 1000)).Should().Equal(content[1..1001]);
    }

    [Fact]
    public async Task A_disk_is_in_use_while_it_is_read()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        var (vdi, content) = await rig.DiskAsync(5);
        await using (var client = await rig.OpenAsync(await rig.NameAsync(vdi)))
        {
            (await rig.Api.ErrorAsync("VDI.destroy", vdi)).Should().HaveElementAt(0, "VDI_IN_USE");
            var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
            (await client.ReadAsync(0, NbdRig.Size)).Should().Equal(content);
            await using var second = await rig.OpenAsync(await rig.NameAsync(snapshot));
            (await second.ReadAsync(0, NbdRig.Size)).Should().Equal(content);
            second.Vanish();
        }

        await UnusedAsync();
        await rig.Api.CallAsync("VDI.destroy", vdi);
    }

    [Fact]
    public async Task The_seventeenth_connection_is_closed()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        await UnusedAsync();
        var (vdi, _) = await rig.DiskAsync(6);
        var name = await rig.NameAsync(vdi);
        var clients = new List<NbdClient>();
        for (var i = 0; i < 16; i++)
            clients.Add(await rig.OpenAsync(name));
        await using (var late = await rig.ConnectAsync())
        {
            await late.SendOptionAsync(NbdOption.Go, NbdClient.GoData(name));
            (await late.IsClosedAsync()).Should().BeTrue();
        }

        (await clients[15].ReadAsync(0, 10)).Should().HaveCount(10);
        foreach (var client in clients)
            await client.DisposeAsync();
        await UnusedAsync();
        await using var again = await rig.OpenAsync(name);
    }

    [Fact]
    public async Task Clients_that_vanish_leave_no_disk_open()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        await UnusedAsync();
        var (vdi, _) = await rig.DiskAsync(7);
        var name = await rig.NameAsync(vdi);
        for (var i = 0; i < 40; i++)
        {
            var client = i % 4 == 0 ? await rig.ConnectAsync() : await rig.OpenAsync(name);
            if (i % 4 == 0)
                await client.SendOptionAsync(NbdOption.Go, NbdClient.GoData(name));
            else
                await client.RequestAsync(NbdCommand.Read, 0, NbdRig.Size);
            client.Vanish();
            await UnusedAsync();
        }

        await rig.Api.CallAsync("VDI.destroy", vdi);
    }

    private async Task UnusedAsync()
    {
        for (var i = 0; i < 3000 && server.Host.NbdConnections > 0; i++)
            await Task.Delay(10);
        server.Host.NbdConnections.Should().Be(0);
    }
}
