using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Observers, callers, drivers, updates and patches: what their messages change in the records.</summary>
public sealed class RecordMessageTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("Observer.set_hosts", "Observer.set_enabled", "Observer.set_attributes", "Observer.set_endpoints", "Observer.set_components")]
    public async Task An_observer_takes_what_makes_sense()
    {
        var (client, host) = await PrepareAsync();
        var observer = await client.TextAsync("Observer.create", SampleValues.CreateRecord(server.Host.Records.Model.Class("Observer")));
        await client.CallAsync("Observer.set_hosts", observer, JsonArguments.Array([host]));
        await client.CallAsync("Observer.set_enabled", observer, true);
        await client.CallAsync("Observer.set_attributes", observer, JsonArguments.Map(("a.b", "c")));
        await client.CallAsync("Observer.set_endpoints", observer, JsonArguments.Array(["bugtool", "https://traces.example/v2"]));
        await client.CallAsync("Observer.set_components", observer, JsonArguments.Array(["xapi", "smapi"]));
        var record = await client.RecordAsync("Observer", observer);
        record["hosts"]!.AsArray().Select(h => h!.GetValue<string>()).Should().Equal(host);
        record["enabled"]!.GetValue<bool>().Should().BeTrue();
        record["attributes"]!["a.b"]!.GetValue<string>().Should().Be("c");
        record["endpoints"]!.AsArray().Should().HaveCount(2);
        record["components"]!.AsArray().Should().HaveCount(2);
        (await client.ErrorAsync("Observer.set_hosts", observer, JsonArguments.Array([SampleValues.Nowhere]))).Should().Equal("INVALID_VALUE", "host", SampleValues.Nowhere);
        (await client.ErrorAsync("Observer.set_attributes", observer, JsonArguments.Map(("a b", "c")))).Should().Equal("INVALID_VALUE", "attributes", "a b:c");
        (await client.ErrorAsync("Observer.set_endpoints", observer, JsonArguments.Array(["ftp://x"]))).Should().Equal("INVALID_VALUE", "endpoint", "ftp://x");
        (await client.ErrorAsync("Observer.set_components", observer, JsonArguments.Array(["other"]))).Should().Equal("INVALID_VALUE", "component", "other");
    }

    [Fact]
    [SeesEffectOf("Caller.add_group", "Caller.remove_group", "Rate_limit.add_caller", "Rate_limit.remove_caller", "Rate_limit.set_burst_size", "Rate_limit.set_fill_rate")]
    public async Task Callers_have_groups_and_limits()
    {
        var (client, _) = await PrepareAsync();
        var caller = await client.TextAsync("Caller.create", SampleValues.CreateRecord(server.Host.Records.Model.Class("Caller")));
        var limit = await client.TextAsync("Rate_limit.create", SampleValues.CreateRecord(server.Host.Records.Model.Class("Rate_limit")));
        await client.CallAsync("Caller.add_group", caller, "g");
        await client.CallAsync("Caller.add_group", caller, "g");
        await client.CallAsync("Caller.add_group", caller, "h");
        (await client.ListAsync("Caller.get_groups", caller)).Should().BeEquivalentTo("g", "h");
        await client.CallAsync("Caller.remove_group", caller, "g");
        (await client.ListAsync("Caller.get_groups", caller)).Should().Equal("h");
        await client.CallAsync("Rate_limit.add_caller", limit, caller);
        (await client.ListAsync("Rate_limit.get_callers", limit)).Should().Equal(caller);
        await client.CallAsync("Rate_limit.remove_caller", limit, caller);
        (await client.ListAsync("Rate_limit.get_callers", limit)).Should().BeEmpty();
        await client.CallAsync("Rate_limit.set_burst_size", limit, 12.5);
        await client.CallAsync("Rate_limit.set_fill_rate", limit, 2.5);
        (await client.CallAsync("Rate_limit.get_burst_size", limit)).GetValue<double>().Should().Be(12.5);
        (await client.CallAsync("Rate_limit.get_fill_rate", limit)).GetValue<double>().Should().Be(2.5);
        (await client.ErrorAsync("Rate_limit.set_fill_rate", limit, -1.0)).Should().Equal("INVALID_VALUE", "fill_rate", "-1");
    }

    [Fact]
    [SeesEffectOf("Host_driver.select", "Host_driver.deselect", "Driver_variant.select")]
    public async Task A_driver_has_a_selected_variant()
    {
        var (client, host) = await PrepareAsync();
        var driver = Insert("Host_driver", ("host", host), ("name", "net"));
        var good = Insert("Driver_variant", ("driver", driver), ("hardware_present", true));
        var bad = Insert("Driver_variant", ("driver", driver), ("hardware_present", false));
        var foreign = Insert("Driver_variant", ("hardware_present", true));
        await client.CallAsync("Host_driver.select", driver, good);
        (await client.TextAsync("Host_driver.get_selected_variant", driver)).Should().Be(good);
        (await client.ErrorAsync("Host_driver.select", driver, bad)).Should().Equal("HOST_DRIVER_NO_HARDWARE", bad);
        (await client.ErrorAsync("Driver_variant.select", bad)).Should().Equal("HOST_DRIVER_NO_HARDWARE", bad);
        (await client.ErrorAsync("Host_driver.select", driver, foreign)).Should().Equal("INVALID_VALUE", "variant", foreign);
        await client.CallAsync("Host_driver.deselect", driver);
        (await client.TextAsync("Host_driver.get_selected_variant", driver)).Should().Be(Records.Null);
        await client.CallAsync("Driver_variant.select", good);
        (await client.TextAsync("Host_driver.get_selected_variant", driver)).Should().Be(good);
    }

    [Fact]
    [SeesEffectOf("pool_update.precheck", "pool_update.apply", "pool_update.pool_apply", "pool_update.destroy")]
    public async Task An_update_is_applied_to_hosts()
    {
        var (client, host) = await PrepareAsync();
        var one = Insert("pool_update", ("name_label", "one"), ("after_apply_guidance", XenArray.Of(["restartHost"])));
        var two = Insert("pool_update", ("name_label", "two"));
        (await client.TextAsync("pool_update.precheck", one, host)).Should().Be("ok");
        await client.CallAsync("pool_update.apply", one, host);
        (await client.ListAsync("pool_update.get_hosts", one)).Should().Equal(host);
        (await client.ListAsync("host.get_updates_requiring_reboot", host)).Should().Equal(one);
        (await client.ErrorAsync("pool_update.precheck", one, host)).Should().Equal("UPDATE_ALREADY_APPLIED", one);
        (await client.ErrorAsync("pool_update.apply", one, host)).Should().Equal("UPDATE_ALREADY_APPLIED", one);
        (await client.ErrorAsync("pool_update.destroy", one)).Should().Equal("UPDATE_IS_APPLIED");
        await client.CallAsync("pool_update.pool_apply", two);
        (await client.ListAsync("host.get_updates", host)).Should().BeEquivalentTo(one, two);
        (await client.ErrorAsync("pool_update.pool_apply", two)).Should().Equal("UPDATE_ALREADY_APPLIED_IN_POOL", two);
        var three = Insert("pool_update", ("name_label", "three"));
        await client.CallAsync("pool_update.destroy", three);
        (await client.ErrorAsync("pool_update.get_uuid", three)).Should().HaveElementAt(0, "HANDLE_INVALID");
    }

    [Fact]
    [SeesEffectOf("pool_patch.precheck", "pool_patch.apply", "pool_patch.pool_apply", "pool_patch.destroy", "host_patch.apply", "host_patch.destroy", "host_crashdump.destroy")]
    public async Task Old_patches_and_crash_dumps_are_records()
    {
        var (client, host) = await PrepareAsync();
        var patch = Insert("pool_patch", ("name_label", "old"), ("size", 7));
        (await client.TextAsync("pool_patch.precheck", patch, host)).Should().BeEmpty();
        await client.CallAsync("pool_patch.apply", patch, host);
        var applied = (await client.ListAsync("host.get_patches", host)).Single();
        (await client.FlagAsync("host_patch.get_applied", applied)).Should().BeTrue();
        (await client.TextAsync("host_patch.get_pool_patch", applied)).Should().Be(patch);
        (await client.ErrorAsync("pool_patch.precheck", patch, host)).Should().Equal("PATCH_ALREADY_APPLIED", patch);
        (await client.ErrorAsync("pool_patch.apply", patch, host)).Should().Equal("PATCH_ALREADY_APPLIED", patch);
        (await client.ErrorAsync("pool_patch.destroy", patch)).Should().Equal("PATCH_IS_APPLIED");
        await client.CallAsync("host_patch.destroy", applied);
        await client.CallAsync("pool_patch.pool_apply", patch);
        (await client.FlagAsync("pool_patch.get_pool_applied", patch)).Should().BeTrue();
        applied = (await client.ListAsync("host.get_patches", host)).Single();
        await client.CallAsync("host_patch.destroy", applied);
        await client.CallAsync("pool_patch.destroy", patch);
        (await client.ErrorAsync("pool_patch.get_uuid", patch)).Should().HaveElementAt(0, "HANDLE_INVALID");

        var waiting = Insert("host_patch", ("host", host));
        await client.CallAsync("host_patch.apply", waiting);
        (await client.FlagAsync("host_patch.get_applied", waiting)).Should().BeTrue();
        (await client.ErrorAsync("host_patch.apply", waiting)).Should().Equal("PATCH_ALREADY_APPLIED", waiting);

        var dump = Insert("host_crashdump", ("host", host));
        (await client.ListAsync("host.get_crashdumps", host)).Should().Equal(dump);
        await client.CallAsync("host_crashdump.destroy", dump);
        (await client.ListAsync("host.get_crashdumps", host)).Should().BeEmpty();
    }

    private string Insert(string @class, params (string Field, XenValue Value)[] fields)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString()), .. fields]));
        return reference;
    }

    private async Task<(XenClient Client, string Host)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }
}
