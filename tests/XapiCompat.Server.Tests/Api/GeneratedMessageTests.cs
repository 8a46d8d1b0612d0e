using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>What the generated messages do, beyond working at all.</summary>
public sealed class GeneratedMessageTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task A_key_that_is_there_is_refused_even_with_the_same_value()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.add_to_other_config", network, "k", "v");
        foreach (var value in (string[])["v", "w"])
            (await client.ErrorAsync("network.add_to_other_config", network, "k", value)).Should().Equal("MAP_DUPLICATE_KEY", "network", "other_config", network, "k");
        (await client.CallAsync("network.get_other_config", network))["k"]!.GetValue<string>().Should().Be("v");
    }

    [Fact]
    public async Task The_same_rules_hold_for_maps_with_messages_of_their_own()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("maps"));
        await client.CallAsync("VM.add_to_other_config", vm, "k", "v");
        (await client.ErrorAsync("VM.add_to_other_config", vm, "k", "v")).Should().Equal("MAP_DUPLICATE_KEY", "VM", "other_config", vm, "k");
        await client.CallAsync("VM.remove_from_other_config", vm, "k");
        await client.CallAsync("VM.remove_from_other_config", vm, "k");
        await client.CallAsync("VM.add_to_other_config", vm, "k", "w");
        (await client.ErrorAsync("VM.add_to_other_config", vm, "", "v")).Should().StartWith("INTERNAL_ERROR");
    }

    [Fact]
    public async Task Removing_what_is_not_there_is_no_error()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.remove_from_other_config", network, "nothing");
        await client.CallAsync("network.remove_tags", network, "nothing");
    }

    [Fact]
    public async Task An_empty_key_is_refused()
    {
        var (client, network) = await NewNetworkAsync();
        (await client.ErrorAsync("network.add_to_other_config", network, "", "v")).Should().StartWith("INTERNAL_ERROR");
    }

    [Fact]
    public async Task A_setter_replaces_the_whole_map()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.set_other_config", network, JsonArguments.Map(("a", "1"), ("b", "2")));
        await client.CallAsync("network.set_other_config", network, JsonArguments.Map(("c", "3")));
        (await client.CallAsync("network.get_other_config", network)).ToJsonString().Should().Be("""{"c":"3"}""");
    }

    [Fact]
    public async Task Sets_take_a_member_once()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.add_tags", network, "red");
        await client.CallAsync("network.add_tags", network, "red");
        await client.CallAsync("network.add_tags", network, "blue");
        (await client.ListAsync("network.get_tags", network)).Should().BeEquivalentTo("red", "blue");
        await client.CallAsync("network.remove_tags", network, "red");
        (await client.ListAsync("network.get_tags", network)).Should().Equal("blue");
    }

    [Fact]
    public async Task Writing_an_equal_value_is_no_event()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.set_other_config", network, JsonArguments.Map(("a", "1"), ("b", "2")));
        await client.CallAsync("network.add_tags", network, "red");
        var token = await client.TextAsync("event.inject", "network", network);
        token = (await client.CallAsync("event.from", new[] { "network/" + network }, token, 5.0))["token"]!.GetValue<string>();

        await client.CallAsync("network.set_name_label", network, "net");
        await client.CallAsync("network.set_MTU", network, 1500);
        await client.CallAsync("network.set_other_config", network, JsonArguments.Map(("b", "2"), ("a", "1")));
        await client.CallAsync("network.add_tags", network, "red");
        await client.CallAsync("network.remove_tags", network, "none");
        await client.CallAsync("network.remove_from_other_config", network, "none");
        (await client.CallAsync("event.from", new[] { "network/" + network }, token, 0.0))["events"]!.AsArray().Should().BeEmpty();

        await client.CallAsync("network.set_name_label", network, "other");
        var events = (await client.CallAsync("event.from", new[] { "network/" + network }, token, 5.0))["events"]!.AsArray();
        events.Should().ContainSingle().Which!["operation"]!.GetValue<string>().Should().Be("mod");
    }

    [Fact]
    public async Task A_reference_is_checked_where_it_is_used()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("dangling"));
        await client.CallAsync("VM.set_affinity", vm, SampleValues.Nowhere);
        (await client.TextAsync("VM.get_affinity", vm)).Should().Be(SampleValues.Nowhere);
        await client.CallAsync("VM.set_affinity", vm, "");
        (await client.TextAsync("VM.get_affinity", vm)).Should().Be(Records.Null);
    }

    [Fact]
    public async Task Names_are_found_by_exact_match()
    {
        var (client, network) = await NewNetworkAsync();
        await client.CallAsync("network.set_name_label", network, "Exactly This");
        (await client.ListAsync("network.get_by_name_label", "Exactly This")).Should().Equal(network);
        (await client.ListAsync("network.get_by_name_label", "exactly this")).Should().BeEmpty();
        (await client.ListAsync("network.get_by_name_label", "Exactly")).Should().BeEmpty();
    }

    [Fact]
    public async Task A_constructor_fills_in_defaults_and_ignores_what_it_does_not_know()
    {
        var client = await server.LoginAsync();
        var record = JsonArguments.Map(("other_config", JsonArguments.Map()), ("uuid", "mine"), ("VIFs", JsonArguments.Array(["x"])), ("no_such_field", 5));
        var network = await client.RecordAsync("network", await client.TextAsync("network.create", record));
        network["uuid"]!.GetValue<string>().Should().NotBe("mine");
        network["VIFs"]!.AsArray().Should().BeEmpty();
        network["MTU"]!.GetValue<long>().Should().Be(1500);
        network["managed"]!.GetValue<bool>().Should().BeTrue();
    }

    [Fact]
    public async Task A_constructor_refuses_a_member_of_the_wrong_type()
    {
        var client = await server.LoginAsync();
        var error = await client.ErrorAsync("network.create", JsonArguments.Map(("other_config", JsonArguments.Map()), ("MTU", "many")));
        error[0].Should().Be("INTERNAL_ERROR");
        error[1].Should().Contain("MTU");
    }

    [Fact]
    public async Task Created_objects_have_a_version_4_uuid_that_differs_from_the_reference()
    {
        var (client, network) = await NewNetworkAsync();
        var uuid = await client.TextAsync("network.get_uuid", network);
        uuid.Should().MatchRegex("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
        network.Should().MatchRegex("^OpaqueRef:[0-9a-f-]{36}$").And.NotEndWith(uuid);
        (await client.TextAsync("network.get_by_uuid", uuid)).Should().Be(network);
    }

    private async Task<(XenClient Client, string Network)> NewNetworkAsync()
    {
        var client = await server.LoginAsync();
        return (client, await client.TextAsync("network.create", JsonArguments.Map(("name_label", "net"), ("other_config", JsonArguments.Map()))));
    }
}
