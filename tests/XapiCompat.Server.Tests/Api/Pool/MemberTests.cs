using System.Net;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Pool;

/// <summary>What a host that is not the master answers.</summary>
public sealed class MemberTests(PoolServer pool) : IClassFixture<PoolServer>
{
    private const string Master = "127.0.0.1";
    private static readonly string[] IsSlave = ["HOST_IS_SLAVE", Master];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_login_is_sent_to_the_master(bool xml)
    {
        foreach (var member in pool.Members)
        {
            IRpcWire wire = xml ? new XmlWire(member) : new JsonWire(member);
            (await wire.CallAsync("session.login_with_password", ["root", "xapicompat"])).Error.Should().Equal(IsSlave);
            (await wire.CallAsync("session.login_with_password", ["root", "wrong"])).Error.Should().Equal(IsSlave);
        }
    }

    [Theory]
    [InlineData("VM.get_all")]
    [InlineData("VM.get_all_records")]
    [InlineData("Async.VM.get_record", "OpaqueRef:NULL")]
    [InlineData("VM.start", "OpaqueRef:NULL", false, false)]
    [InlineData("session.logout")]
    [InlineData("host.no_such_message")]
    [InlineData("pool.retrieve_wlb_configuration")]
    public async Task A_session_of_the_pool_is_sent_to_the_master(string method, params object[] arguments)
    {
        var client = await pool.Server.LoginAsync();
        var there = new XenClient(new JsonWire(pool.Members[0]), client.Session);
        (await there.ErrorAsync(method, arguments)).Should().Equal(IsSlave);
        (await client.ListAsync("VM.get_all")).Should().NotBeEmpty("the session still works at the master");
    }

    [Fact]
    public async Task What_is_wrong_with_a_call_or_its_session_comes_before_the_master()
    {
        var session = (await pool.Server.LoginAsync()).Session;
        var there = new JsonWire(pool.Members[0]);
        (await there.CallAsync("VM.get_all", ["OpaqueRef:none"])).Error.Should().Equal("SESSION_INVALID", "OpaqueRef:none");
        (await there.CallAsync("VM.get_record", [session])).Error.Should().Equal("MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0");
        (await there.CallAsync("VM.start", [session, "OpaqueRef:NULL", "no", "no"])).Error![0].Should().Be("INTERNAL_ERROR");
    }

    [Fact]
    public async Task A_local_login_works_at_a_member()
    {
        var wire = new JsonWire(pool.Members[1]);
        var session = (await wire.CallAsync("session.slave_local_login_with_password", ["root", "xapicompat"])).Value!.GetValue<string>();
        var local = new XenClient(wire, session);
        (await local.ListAsync("host.get_all")).Should().HaveCount(3);
        await local.CallAsync("session.local_logout");
        (await local.ErrorAsync("host.get_all")).Should().Equal("SESSION_INVALID", session);
        (await wire.CallAsync("system.listMethods", [])).Error.Should().BeNull();
    }

    [Fact]
    public async Task Transfers_go_to_a_host_that_sees_the_disk()
    {
        var client = await pool.Server.LoginAsync();
        var (address, sr) = await LocalStorageAsync(client, Master);
        var vdi = await client.TextAsync("VDI.create", Records.Vdi(sr, DiskClient.Block));
        using var master = pool.ClientOf(Master);
        using var target = pool.ClientOf(address);
        using var other = pool.ClientOf(pool.Server.Host.Members.Select(m => m.Address).First(a => a != address));
        foreach (var host in new[] { master, other })
        {
            var path = $"/export_raw_vdi/?session_id={client.Session}&vdi={vdi}&format=raw";
            using var export = await host.GetAsync(path);
            export.StatusCode.Should().Be(HttpStatusCode.Redirect);
            export.Headers.Location!.ToString().Should().Be($"http://{address}:{pool.Server.Port}{path}");
            using var probe = new ByteArrayContent([]);
            using var import = await host.PutAsync($"/import_raw_vdi?session_id={client.Session}&vdi={vdi}", probe);
            import.StatusCode.Should().Be(HttpStatusCode.Redirect, "clients ask with an empty body first");
            using var refused = await host.GetAsync("/export_raw_vdi?session_id=OpaqueRef:none&vdi=" + vdi);
            refused.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        }

        var task = await client.TextAsync("task.create", "import", "");
        var bytes = Enumerable.Range(0, DiskClient.Block).Select(i => (byte)i).ToArray();
        using var first = new ByteArrayContent(bytes);
        using var sent = await master.PutAsync($"/import_raw_vdi?session_id={client.Session}&task_id={task}&vdi={vdi}", first);
        sent.StatusCode.Should().Be(HttpStatusCode.Redirect);
        (await client.TextAsync("task.get_status", task)).Should().Be("pending", "the target ends the task");
        using var second = new ByteArrayContent(bytes);
        using var taken = await target.PutAsync(sent.Headers.Location!.PathAndQuery, second);
        taken.StatusCode.Should().Be(HttpStatusCode.OK);
        (await client.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        (await target.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={vdi}")).Should().Equal(bytes);
    }

    [Fact]
    public async Task A_disk_on_shared_storage_is_served_by_every_host()
    {
        var client = await pool.Server.LoginAsync();
        var vdi = (await client.ListAsync("VDI.get_by_name_label", "Disk 1")).Single();
        var paths = $"/export_raw_vdi?session_id={client.Session}&vdi={vdi}&format=vhd";
        foreach (var host in pool.Members.Append(pool.Server.Http))
        {
            using var response = await host.GetAsync(paths);
            response.StatusCode.Should().Be(HttpStatusCode.OK);
        }
    }

    /// <summary>The address of a host, and its local SR, that is not the one given.</summary>
    private static async Task<(string Address, string Sr)> LocalStorageAsync(XenClient client, string not)
    {
        foreach (var (_, pbd) in (await client.CallAsync("PBD.get_all_records")).AsObject())
        {
            var sr = await client.RecordAsync("SR", pbd!["SR"]!.GetValue<string>());
            var address = await client.TextAsync("host.get_address", pbd["host"]!.GetValue<string>());
            if (sr["type"]!.GetValue<string>() == "ext" && address != not)
                return (address, pbd["SR"]!.GetValue<string>());
        }

        throw new InvalidOperationException("no member has local storage");
    }
}
