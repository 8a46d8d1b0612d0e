using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Plans for hosts that fail: counted by memory, over hosts that are live.</summary>
public sealed class FailoverTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const long GiB = 1L << 30;

    [Fact]
    [SeesEffectOf("pool.ha_failover_plan_exists", "pool.ha_compute_max_host_failures_to_tolerate", "pool.ha_compute_hypothetical_max_host_failures_to_tolerate", "pool.ha_compute_vm_failover_plan")]
    public async Task Memory_decides_how_many_hosts_may_fail()
    {
        var client = await server.LoginAsync();
        var first = (await client.ListAsync("host.get_all"))[0];
        var others = new[] { Member(16), Member(16) };
        (await NumberAsync(client, "pool.ha_compute_max_host_failures_to_tolerate")).Should().Be(3, "nothing is protected");
        (await client.FlagAsync("pool.ha_failover_plan_exists", 3)).Should().BeTrue();

        // Ten GiB each: one host holds one of them.
        var guests = new[] { Guest(10, first), Guest(10, others[0]) };
        (await NumberAsync(client, "pool.ha_compute_max_host_failures_to_tolerate")).Should().Be(1);
        (await client.FlagAsync("pool.ha_failover_plan_exists", 1)).Should().BeTrue();
        (await client.FlagAsync("pool.ha_failover_plan_exists", 2)).Should().BeFalse();
        (await NumberAsync(client, "pool.ha_compute_hypothetical_max_host_failures_to_tolerate", JsonArguments.Map((guests[0], "restart"), (guests[1], "restart")))).Should().Be(1);
        (await NumberAsync(client, "pool.ha_compute_hypothetical_max_host_failures_to_tolerate", JsonArguments.Map((guests[0], ""), (guests[1], "best-effort")))).Should().Be(3);
        (await client.ErrorAsync("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", JsonArguments.Map((guests[0], "often")))).Should().Equal("INVALID_VALUE", "ha_restart_priority", "often");

        var plan = (await client.CallAsync("pool.ha_compute_vm_failover_plan", JsonArguments.Array([first]), JsonArguments.Array([guests[0]]))).AsObject();
        plan[guests[0]]!["host"]!.GetValue<string>().Should().Be(others[1]);
        plan = (await client.CallAsync("pool.ha_compute_vm_failover_plan", JsonArguments.Array([first, others[1]]), JsonArguments.Array([guests[0]]))).AsObject();
        plan[guests[0]]!["error_code"]!.GetValue<string>().Should().Be("HOST_NOT_ENOUGH_FREE_MEMORY");

        // A disk on one host ties its VM to it.
        var sr = await client.TextAsync("pool.get_default_SR", (await client.ListAsync("pool.get_all"))[0]);
        var vdi = Insert("VDI", ("SR", sr));
        Insert("VBD", ("VM", guests[0]), ("VDI", vdi), ("type", "Disk"), ("userdevice", "0"));
        (await NumberAsync(client, "pool.ha_compute_max_host_failures_to_tolerate")).Should().Be(0);
    }

    private string Member(long memory)
    {
        var metrics = Insert("host_metrics", ("live", true), ("memory_total", memory * GiB), ("memory_free", memory * GiB));
        return Insert("host", ("metrics", metrics), ("enabled", true));
    }

    private string Guest(long memory, string host) => Insert(
        "VM", ("resident_on", host), ("ha_always_run", true), ("ha_restart_priority", "restart"), ("memory_dynamic_min", memory * GiB),
        ("memory_dynamic_max", memory * GiB), ("memory_static_max", memory * GiB), ("VCPUs_max", 1), ("domain_type", "hvm"), ("power_state", "Running"));

    private string Insert(string @class, params (string Field, XenValue Value)[] fields)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString()), .. fields]));
        return reference;
    }

    private static async Task<long> NumberAsync(XenClient client, string method, params object?[] arguments) => (await client.CallAsync(method, arguments)).GetValue<long>();
}
