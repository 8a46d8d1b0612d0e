using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Events;

/// <summary>What an old token still shows: deletions of a class within a window, everything else for ever, across restarts.</summary>
public sealed class EventWindowTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const int Window = 512;

    [Fact]
    public async Task The_latest_512_deletions_of_a_class_are_remembered()
    {
        var client = await server.LoginAsync();
        var tasks = new List<string>();
        for (var i = 0; i < Window + 40; i++)
            tasks.Add(await client.TextAsync("task.create", "t", ""));
        var token = await TokenAsync(client);
        foreach (var task in tasks)
        {
            await client.CallAsync("task.set_status", task, "success");
            await client.CallAsync("task.destroy", task);
        }

        var answer = await client.CallAsync("event.from", new[] { "task" }, token, 5.0);
        var gone = answer["events"]!.AsArray().Where(e => e!["operation"]!.GetValue<string>() == "del").Select(e => e!["ref"]!.GetValue<string>()).ToList();
        gone.Should().BeEquivalentTo(tasks.Skip(40), "older ones show in the counts only");
        var left = (await client.ListAsync("task.get_all")).Count;
        answer["valid_ref_counts"]!["task"]!.GetValue<int>().Should().Be(left);
    }

    [Fact]
    public async Task A_client_far_behind_and_a_client_close_behind_see_the_same()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("busy"));
        var gone = await client.TextAsync("VM.create", Records.Vm("gone"));
        var token = await TokenAsync(client);
        await client.CallAsync("VM.destroy", gone);
        var added = await client.TextAsync("VM.create", Records.Vm("added"));
        await client.CallAsync("VM.set_name_label", vm, "first");
        var close = Events(await client.CallAsync("event.from", new[] { "VM" }, token, 5.0));
        // More changes than are kept one by one.
        for (var i = 0; i < 9000; i++)
            server.Host.Records.Commit(unit => unit.Set(vm, "name_description", i.ToString()));
        await client.CallAsync("VM.set_name_description", vm, "");
        var far = Events(await client.CallAsync("event.from", new[] { "VM" }, token, 5.0));
        close.Should().BeEquivalentTo([("add", added), ("mod", vm), ("del", gone)]);
        far.Should().BeEquivalentTo(close);
    }

    [Fact]
    public async Task A_token_survives_a_restart()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var client = await own.LoginAsync();
            var vm = await client.TextAsync("VM.create", Records.Vm("kept"));
            var token = await TokenAsync(client);
            var other = await client.TextAsync("VM.create", Records.Vm("made before the restart"));
            await own.RestartAsync();
            client = await own.LoginAsync();
            Events(await client.CallAsync("event.from", new[] { "VM/" + vm, "VM/" + other }, token, 5.0)).Should().Contain(("add", other));
            var next = await TokenAsync(client);
            string.CompareOrdinal(next, token).Should().BePositive();
            await client.CallAsync("VM.set_name_label", vm, "after");
            Events(await client.CallAsync("event.from", new[] { "VM/" + vm }, next, 5.0)).Should().Equal(("mod", vm));
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_token_of_the_future_belongs_to_another_database()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("event.from", new[] { "VM" }, "00000009999999999999,00000000000000000000", 1.0)).Should().Equal("EVENTS_LOST");
        (await client.ErrorAsync("event.from", new[] { "VM" }, "0,9999999999999", 1.0)).Should().Equal("EVENTS_LOST");
    }

    [Fact]
    public async Task An_equal_write_is_no_event()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("equal"));
        var token = await TokenAsync(client);
        await client.CallAsync("VM.set_name_label", vm, "equal");
        await client.CallAsync("VM.remove_from_other_config", vm, "nothing");
        Events(await client.CallAsync("event.from", new[] { "VM" }, token, 0.05)).Should().BeEmpty();
    }

    private static List<(string Operation, string Reference)> Events(JsonNode answer) =>
        [.. answer["events"]!.AsArray().Select(e => (e!["operation"]!.GetValue<string>(), e["ref"]!.GetValue<string>()))];

    private static async Task<string> TokenAsync(XenClient client) =>
        (await client.CallAsync("event.from", Array.Empty<string>(), "", 0.0))["token"]!.GetValue<string>();
}
