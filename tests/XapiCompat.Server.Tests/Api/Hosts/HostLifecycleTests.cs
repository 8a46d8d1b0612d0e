using FluentAssertions;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Hosts join as records and leave with everything that is theirs; the coordinator stays.</summary>
public sealed class HostLifecycleTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.create", "host.declare_dead", "host.destroy")]
    public async Task A_host_that_is_down_is_declared_dead_and_destroyed()
    {
        var (client, coordinator, _) = await PrepareAsync();
        var uuid = Guid.NewGuid().ToString();
        var member = await client.TextAsync("host.create", CreateArguments(uuid));
        var record = await client.RecordAsync("host", member);
        record["uuid"]!.GetValue<string>().Should().Be(uuid);
        record["hostname"]!.GetValue<string>().Should().Be("member");
        record["address"]!.GetValue<string>().Should().Be("192.0.2.9");
        record["enabled"]!.GetValue<bool>().Should().BeFalse();
        record["name_description"]!.GetValue<string>().Should().Be("Default install");
        var metrics = record["metrics"]!.GetValue<string>();
        (await client.FlagAsync("host_metrics.get_live", metrics)).Should().BeFalse();
        (await client.ErrorAsync("host.create", CreateArguments(uuid))).Should().Equal("UUID_INVALID", "host", uuid);

        (await client.ErrorAsync("host.destroy", coordinator)).Should().Equal("HOST_IS_LIVE", coordinator);
        (await client.ErrorAsync("host.declare_dead", coordinator)).Should().Equal("HOST_IS_LIVE", coordinator);
        var lost = Insert("VM", ("resident_on", member), ("power_state", "Running"), ("domid", 3));
        server.Host.Records.Commit(unit => unit.Set(member, "enabled", true));
        await client.CallAsync("host.declare_dead", member);
        (await client.FlagAsync("host.get_enabled", member)).Should().BeFalse();
        (await client.TextAsync("VM.get_power_state", lost)).Should().Be("Halted");
        (await client.TextAsync("VM.get_resident_on", lost)).Should().Be(Records.Null);

        var network = (await client.ListAsync("network.get_all"))[0];
        var pif = Insert("PIF", ("host", member), ("network", network), ("device", "eth0"));
        var domain = Insert("VM", ("is_control_domain", true), ("resident_on", member));
        var guest = Insert("VM", ("resident_on", member));
        (await client.ErrorAsync("host.destroy", member)).Should().Equal("HOST_HAS_RESIDENT_VMS", member);
        server.Host.Records.Commit(unit => unit.Delete(guest));
        await client.CallAsync("host.destroy", member);
        foreach (var (@class, gone) in ((string, string)[])[("host", member), ("host_metrics", metrics), ("PIF", pif), ("VM", domain)])
            (await client.ErrorAsync(@class + ".get_uuid", gone)).Should().Equal("HANDLE_INVALID", @class, gone);
    }

    [Fact]
    [SeesEffectOf("pool.eject", "pool.hello", "pool.is_slave", "pool.recover_slaves")]
    public async Task A_member_comes_back_and_is_ejected()
    {
        var (client, coordinator, _) = await PrepareAsync();
        var uuid = Guid.NewGuid().ToString();
        var member = await client.TextAsync("host.create", CreateArguments(uuid));
        (await client.ListAsync("pool.recover_slaves")).Should().NotContain(member);
        (await client.TextAsync("pool.hello", "no such uuid", "192.0.2.1")).Should().Be("unknown_host");
        (await client.TextAsync("pool.hello", uuid, "192.0.2.10")).Should().Be("ok");
        (await client.TextAsync("host.get_address", member)).Should().Be("192.0.2.10");
        (await client.FlagAsync("host_metrics.get_live", await client.TextAsync("host.get_metrics", member))).Should().BeTrue();
        (await client.ListAsync("pool.recover_slaves")).Should().Equal(member);
        (await client.FlagAsync("pool.is_slave", member)).Should().BeFalse("the coordinator answers");
        (await client.ErrorAsync("host.destroy", member)).Should().Equal("HOST_IS_LIVE", member);
        (await client.ErrorAsync("pool.eject", coordinator)).Should().Equal("HOST_CANNOT_DESTROY_SELF", coordinator);
        await client.CallAsync("pool.eject", member);
        (await client.ListAsync("host.get_all")).Should().Equal(coordinator);
    }

    [Fact]
    public async Task An_ejected_member_takes_the_SRs_along_that_only_it_had()
    {
        var (client, coordinator, pool) = await PrepareAsync();
        var member = await client.TextAsync("host.create", CreateArguments(Guid.NewGuid().ToString()));
        var local = await CreateSrAsync(client, member, "ext", ("device", "/dev/sdx"));
        var unplugged = await CreateSrAsync(client, member, "ext", ("device", "/dev/sdy"));
        await client.CallAsync("PBD.unplug", (await client.ListAsync("SR.get_PBDs", unplugged))[0]);
        var shared = await CreateSrAsync(client, member, "nfs", ("server", "filer"), ("serverpath", "/export"));
        var disk = await client.TextAsync("VDI.create", Records.Vdi(local, Records.MiB, "lost"));
        var kept = await client.TextAsync("VDI.create", Records.Vdi(shared, Records.MiB, "kept"));
        var plug = (await client.ListAsync("SR.get_PBDs", local))[0];

        var guest = Insert("VM", ("resident_on", member), ("power_state", "Running"));
        (await client.ErrorAsync("pool.eject", member)).Should().Equal("OPERATION_NOT_ALLOWED", "VM resident on host");
        var vbd = Insert("VBD", ("VM", guest), ("VDI", disk), ("currently_attached", true));
        server.Host.Records.Commit(unit => unit.Set(guest, "is_control_domain", true));
        (await client.ErrorAsync("pool.eject", member)).Should().Equal("VDI_IN_USE", disk);
        (await client.ListAsync("SR.get_VDIs", local)).Should().Equal(disk);
        (await client.CallAsync("pool.get_current_operations", pool)).AsObject().Should().BeEmpty();
        server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", false));

        await client.CallAsync("pool.eject", member);
        foreach (var (@class, gone) in ((string, string)[])[("host", member), ("SR", local), ("SR", unplugged), ("PBD", plug), ("VDI", disk)])
            (await client.ErrorAsync(@class + ".get_uuid", gone)).Should().Equal("HANDLE_INVALID", @class, gone);
        var left = (await client.ListAsync("SR.get_PBDs", shared)).Should().ContainSingle().Which;
        (await client.TextAsync("PBD.get_host", left)).Should().Be(coordinator);
        (await client.TextAsync("VDI.get_name_label", kept)).Should().Be("kept");
        await client.CallAsync("VDI.destroy", kept);
        await client.CallAsync("PBD.unplug", left);
        await client.CallAsync("SR.forget", shared);
    }

    [Fact]
    [SeesEffectOf("pool.designate_new_master")]
    public async Task Another_live_host_becomes_the_coordinator()
    {
        await using var own = await OwnServer.CreateAsync();
        var client = await own.Server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        var uuid = Guid.NewGuid().ToString();
        var member = await client.TextAsync("host.create", CreateArguments(uuid));
        (await client.ErrorAsync("pool.designate_new_master", member)).Should().Equal("HOST_OFFLINE", member);
        await client.CallAsync("pool.hello", uuid, "192.0.2.11");
        await client.CallAsync("pool.designate_new_master", member);
        // This listener belongs to the old coordinator, so the record is looked at beside it.
        var record = own.Server.Host.Records.Current.Get("pool", pool);
        record.Target("master").Should().Be(member);
        record.Map("current_operations").Count.Should().Be(0);
    }

    [Fact]
    [SeesEffectOf("pool.sync_database")]
    public async Task A_synchronised_database_is_in_its_file()
    {
        await using var own = await OwnServer.CreateAsync();
        var client = await own.Server.LoginAsync();
        await client.CallAsync("VM.create", Records.Vm("to be synchronised"));
        new FileInfo(own.Server.Database + "-wal").Length.Should().BePositive();
        await client.CallAsync("pool.sync_database");
        new FileInfo(own.Server.Database + "-wal").Length.Should().Be(0);
    }

    [Fact]
    [SeesEffectOf("pool.detect_nonhomogeneous_external_auth", "pool.disable_external_auth", "pool.check_update_readiness")]
    public async Task Differences_between_hosts_are_found()
    {
        var (client, _, pool) = await PrepareAsync();
        var uuid = Guid.NewGuid().ToString();
        var member = await client.TextAsync("host.create", CreateArguments(uuid));
        server.Host.Records.Commit(unit => unit.Set(member, "external_auth_type", "AD"));
        await client.CallAsync("pool.detect_nonhomogeneous_external_auth", pool);
        (await client.CallAsync("message.get", "Host", uuid, Records.Never)).AsObject().Single().Value!["name"]!.GetValue<string>().Should().Be("AUTH_EXTERNAL_POOL_NON_HOMOGENEOUS");
        await client.CallAsync("pool.disable_external_auth", pool, JsonArguments.Map());
        (await client.TextAsync("host.get_external_auth_type", member)).Should().BeEmpty();
        (await client.CallAsync("pool.check_update_readiness", pool, false)).ToJsonString().Should().Be("[[\"HOST_OFFLINE\",\"" + member + "\"]]");
        await client.CallAsync("host.destroy", member);
        (await client.CallAsync("pool.check_update_readiness", pool, true)).AsArray().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("host.enable_binary_storage", "host.disable_binary_storage", "pool.enable_binary_storage", "pool.disable_binary_storage", "host.refresh_pack_info", "pool.disable_redo_log")]
    public async Task Small_settings_show_in_the_records()
    {
        var (client, host, pool) = await PrepareAsync();
        await client.CallAsync("host.disable_binary_storage", host);
        (await client.CallAsync("host.get_other_config", host))["no_local_storage"]!.GetValue<string>().Should().Be("true");
        await client.CallAsync("pool.enable_binary_storage");
        (await client.CallAsync("host.get_other_config", host)).AsObject().Select(p => p.Key).Should().NotContain("no_local_storage");
        await client.CallAsync("pool.disable_binary_storage");
        (await client.CallAsync("host.get_other_config", host))["no_local_storage"]!.GetValue<string>().Should().Be("true");
        await client.CallAsync("host.enable_binary_storage", host);
        (await client.CallAsync("host.get_other_config", host)).AsObject().Select(p => p.Key).Should().NotContain("no_local_storage");
        await client.CallAsync("host.set_hostname_live", host, "renamed");
        await client.CallAsync("host.refresh_pack_info", host);
        (await client.CallAsync("host.get_software_version", host))["hostname"]!.GetValue<string>().Should().Be("renamed");
        server.Host.Records.Commit(unit => unit.Set(pool, "redo_log_enabled", true));
        await client.CallAsync("pool.disable_redo_log");
        (await client.FlagAsync("pool.get_redo_log_enabled", pool)).Should().BeFalse();
    }

    private static object?[] CreateArguments(string uuid) => [uuid, "member", "", "member", "192.0.2.9", "", "", JsonArguments.Map(), JsonArguments.Map(("restrict_vtpm", "false")), "xcp-ng"];

    private static Task<string> CreateSrAsync(XenClient client, string host, string type, params (string Key, object? Value)[] config) =>
        client.TextAsync("SR.create", host, JsonArguments.Map(config), 0, type, "", type, "user", type == "nfs", JsonArguments.Map());

    private string Insert(string @class, params (string Field, XenValue Value)[] fields)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString()), .. fields]));
        return reference;
    }

    private async Task<(XenClient Client, string Host, string Pool)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        return (client, await client.TextAsync("pool.get_master", pool), pool);
    }
}
