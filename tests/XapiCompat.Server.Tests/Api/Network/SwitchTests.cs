using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>The controller of the virtual switch.</summary>
public sealed class SwitchTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string NoSwitch = "the networks of this host are not on a vSwitch";

    [Fact]
    [SeesEffectOf("SDN_controller.introduce", "SDN_controller.forget")]
    public async Task A_pool_has_one_controller()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var controller = await rig.Api.TextAsync("SDN_controller.introduce", "ssl", "192.0.2.9");
        rig.Get(controller).Text("address").Should().Be("192.0.2.9");
        rig.Get(controller).Int("port").Should().Be(6632);
        (await rig.Api.ErrorAsync("SDN_controller.introduce", "ssl", "192.0.2.10", 1)).Should().Equal("OPERATION_NOT_ALLOWED", "the pool has a controller, and takes one only");
        await rig.Api.CallAsync("SDN_controller.forget", controller);
        rig.Exists(controller).Should().BeFalse();

        (await rig.Api.ErrorAsync("SDN_controller.introduce", "ssl", "")).Should().Equal("INVALID_VALUE", "address", "");
        (await rig.Api.ErrorAsync("SDN_controller.introduce", "ssl", "there")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "address");
        (await rig.Api.ErrorAsync("SDN_controller.introduce", "ssl", "192.0.2.9", 65536)).Should().Equal("VALUE_NOT_SUPPORTED", "port", "65536", "a port is 1 to 65535");
        (await rig.Api.ErrorAsync("SDN_controller.introduce", "pssl", "192.0.2.9")).Should().Equal("INVALID_VALUE", "address", "192.0.2.9");
        (await rig.Api.ErrorAsync("SDN_controller.introduce", "pssl", "", 5)).Should().Equal("INVALID_VALUE", "port", "5");
        (await rig.ErrorWhileAsync(rig.Host, "software_version", XenStruct.Empty, "SDN_controller.introduce", "pssl")).Should().Equal("OPERATION_NOT_ALLOWED", NoSwitch);
        controller = await rig.Api.TextAsync("SDN_controller.introduce", "pssl");
        rig.Get(controller).Int("port").Should().Be(0);
        await rig.Api.CallAsync("SDN_controller.forget", controller);
    }

    [Fact]
    [SeesEffectOf("pool.set_vswitch_controller")]
    public async Task The_old_call_keeps_one_controller_too()
    {
        var rig = await NetworkRig.CreateAsync(server);
        await rig.Api.CallAsync("pool.set_vswitch_controller", "192.0.2.11");
        rig.Get(rig.Pool).Text("vswitch_controller").Should().Be("192.0.2.11");
        var controller = rig.All("SDN_controller").Single();
        controller.Text("address").Should().Be("192.0.2.11");
        (await rig.Api.ErrorAsync("pool.set_vswitch_controller", "nothing")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "address");
        await rig.Api.CallAsync("pool.set_vswitch_controller", "192.0.2.12");
        rig.All("SDN_controller").Single().Text("address").Should().Be("192.0.2.12");
        (await rig.ErrorWhileAsync(rig.Host, "software_version", XenStruct.Empty, "pool.set_vswitch_controller", "")).Should().Equal("OPERATION_NOT_ALLOWED", NoSwitch);
        await rig.Api.CallAsync("pool.set_vswitch_controller", "");
        rig.All("SDN_controller").Should().BeEmpty();
        rig.Get(rig.Pool).Text("vswitch_controller").Should().BeEmpty();
    }
}
