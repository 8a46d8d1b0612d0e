using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Events;

/// <summary>The older interface: a log of every change since the last call.</summary>
public sealed class EventNextTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    [Fact]
    [SeesEffectOf("event.register", "event.next", "event.get_current_id")]
    public async Task Every_change_is_an_event_of_its_own()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("event.next")).Should().Equal("SESSION_NOT_REGISTERED", client.Session);
        await client.CallAsync("event.register", (object)new[] { "vm" });
        await client.CallAsync("event.register", (object)new[] { "nothing" });
        var first = (await client.CallAsync("event.get_current_id")).GetValue<long>();
        var vm = await client.TextAsync("VM.create", Records.Vm("logged"));
        await client.CallAsync("VM.set_name_label", vm, "once");
        await client.CallAsync("VM.set_name_label", vm, "twice");
        await client.CallAsync("VM.destroy", vm);
        var events = new List<JsonNode>();
        while (events.Count == 0 || Text(events[^1], "operation") != "del")
            events.AddRange((await client.CallAsync("event.next")).AsArray().Select(e => e!));
        var mine = events.Where(e => Text(e, "ref") == vm).ToList();
        mine.Take(3).Select(e => Text(e, "operation")).Should().Equal("add", "mod", "mod");
        mine.Take(3).Select(e => Text(e["snapshot"]!, "name_label")).Should().Equal("logged", "once", "twice");
        Text(mine[^1], "operation").Should().Be("del");
        mine[^1].AsObject().ContainsKey("snapshot").Should().BeFalse();
        mine.Should().OnlyContain(e => Text(e, "class") == "vm");
        var ids = events.Select(e => long.Parse(Text(e, "id"))).ToList();
        ids.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        ids[0].Should().BeGreaterThanOrEqualTo(first);
        (await client.CallAsync("event.get_current_id")).GetValue<long>().Should().BeGreaterThan(ids[^1]);
        double.Parse(Text(events[0], "timestamp"), System.Globalization.CultureInfo.InvariantCulture).Should().BeGreaterThan(1e9);
    }

    [Fact]
    [SeesEffectOf("event.unregister")]
    public async Task What_is_not_wanted_any_more_does_not_come()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("unwanted"));
        var other = await client.TextAsync("VM.create", Records.Vm("wanted"));
        await client.CallAsync("event.register", (object)new[] { "VM/" + vm, "VM/" + other });
        await client.CallAsync("event.unregister", (object)new[] { "vm/" + vm, "never registered" });
        await client.CallAsync("VM.set_name_label", vm, "x");
        await client.CallAsync("VM.set_name_label", other, "y");
        (await client.CallAsync("event.next")).AsArray().Select(e => Text(e!, "ref")).Should().Equal(other);
    }

    [Fact]
    public async Task A_call_waits_for_the_next_change_and_ends_with_its_session()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("awaited"));
        await client.CallAsync("event.register", (object)new[] { "VM/" + vm });
        var waiting = client.AnswerAsync("event.next");
        await Task.Delay(50);
        waiting.IsCompleted.Should().BeFalse();
        await client.CallAsync("VM.set_name_label", vm, "now");
        (await waiting.WaitAsync(HangCap)).Value!.AsArray().Should().HaveCount(1);
        waiting = client.AnswerAsync("event.next");
        await Task.Delay(50);
        await client.CallAsync("session.logout");
        (await waiting.WaitAsync(HangCap)).Error.Should().Equal("SESSION_INVALID", client.Session);
    }

    [Fact]
    public async Task A_session_that_falls_far_behind_has_lost_events_and_goes_on()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("verbose"));
        await client.CallAsync("event.register", (object)new[] { "VM/" + vm });
        var text = new string('x', 100_000);
        for (var i = 0; i < 120; i++)
            server.Host.Records.Commit(unit => unit.Set(vm, "name_description", text + i));
        (await client.ErrorAsync("event.next")).Should().Equal("EVENTS_LOST");
        await client.CallAsync("VM.set_name_description", vm, "short");
        var events = (await client.CallAsync("event.next")).AsArray();
        Text(events.Should().ContainSingle().Subject!["snapshot"]!, "name_description").Should().Be("short");
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();
}
