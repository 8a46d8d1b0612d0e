using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>event.from shows what differs between a token and now.</summary>
public sealed class EventTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_empty_token_gives_every_object_of_the_classes_at_once()
    {
        var client = await server.LoginAsync();
        var answer = await FromAsync(client, "", 30, "pool", "SR", "network");
        answer["events"]!.AsArray().Should().OnlyContain(e => Operation(e!) == "add");
        foreach (var @class in (string[])["pool", "SR", "network"])
        {
            var records = (await client.CallAsync(@class + ".get_all_records")).AsObject();
            var wireClass = @class.ToLowerInvariant();
            var events = answer["events"]!.AsArray().Where(e => Text(e!, "class") == wireClass).ToList();
            events.Select(e => Text(e!, "ref")).Should().BeEquivalentTo(records.Select(r => r.Key));
            events.Should().OnlyContain(e => e!["snapshot"]!.AsObject().Count == records[Text(e, "ref")]!.AsObject().Count);
        }

        (await FromAsync(client, "00000000000000000000,00000000000000000000", 30, "pool"))["events"]!.AsArray().Should().HaveCount(1);
        (await FromAsync(client, "0,0", 30, "pool"))["events"]!.AsArray().Should().HaveCount(1);
    }

    [Fact]
    public async Task What_was_made_since_is_one_add_with_its_present_state()
    {
        var client = await server.LoginAsync();
        var token = await TokenAsync(client);
        var vm = await client.TextAsync("VM.create", Records.Vm("new"));
        await client.CallAsync("VM.set_name_label", vm, "renamed");
        var @event = (await FromAsync(client, token, 30, "VM/" + vm))["events"]!.AsArray().Should().ContainSingle().Subject!;
        Operation(@event).Should().Be("add");
        Text(@event, "class").Should().Be("vm");
        Text(@event, "ref").Should().Be(vm);
        Text(@event, "timestamp").Should().Be("0.0");
        Text(@event["snapshot"]!, "name_label").Should().Be("renamed");
        @event.AsObject().Select(m => m.Key).Should().BeEquivalentTo("id", "timestamp", "class", "operation", "ref", "snapshot");
    }

    [Fact]
    public async Task What_was_changed_since_is_one_mod()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("old"));
        var token = await TokenAsync(client);
        for (var i = 0; i < 5; i++)
            await client.CallAsync("VM.set_name_label", vm, "name " + i);
        var @event = (await FromAsync(client, token, 30, "VM/" + vm))["events"]!.AsArray().Should().ContainSingle().Subject!;
        Operation(@event).Should().Be("mod");
        Text(@event["snapshot"]!, "name_label").Should().Be("name 4");
    }

    [Fact]
    public async Task What_is_gone_is_a_del_without_snapshot_only_if_it_was_known()
    {
        var client = await server.LoginAsync();
        var known = await client.TextAsync("VM.create", Records.Vm("known"));
        var token = await TokenAsync(client);
        var unknown = await client.TextAsync("VM.create", Records.Vm("unknown"));
        await client.CallAsync("VM.destroy", unknown);
        await client.CallAsync("VM.destroy", known);
        var events = (await FromAsync(client, token, 30, "VM"))["events"]!.AsArray().Where(e => Text(e!, "ref") == known || Text(e!, "ref") == unknown).ToList();
        var @event = events.Should().ContainSingle().Subject!;
        Operation(@event).Should().Be("del");
        Text(@event, "ref").Should().Be(known);
        @event.AsObject().ContainsKey("snapshot").Should().BeFalse();
    }

    [Fact]
    public async Task Adds_come_before_mods_and_these_before_dels()
    {
        var client = await server.LoginAsync();
        var changed = await client.TextAsync("VM.create", Records.Vm("changed"));
        var gone = await client.TextAsync("VM.create", Records.Vm("gone"));
        var token = await TokenAsync(client);
        await client.CallAsync("VM.destroy", gone);
        await client.CallAsync("VM.set_name_label", changed, "x");
        var added = await client.TextAsync("VM.create", Records.Vm("added"));
        var events = (await FromAsync(client, token, 30, "VM/" + changed, "VM/" + gone, "VM/" + added))["events"]!.AsArray();
        events.Select(e => Operation(e!)).Should().Equal("add", "mod", "del");
    }

    [Fact]
    public async Task An_object_whose_uuid_lives_on_goes_before_its_successor_comes()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        var uuid = await rig.Api.TextAsync("VM.get_uuid", rig.Vm);
        var token = await TokenAsync(rig.Api);
        await rig.Api.CallAsync("VM.destroy", rig.Vm);
        await rig.Api.CallAsync("VM.revert", snapshot);
        var reborn = await rig.Api.TextAsync("VM.get_by_uuid", uuid);
        reborn.Should().NotBe(rig.Vm);
        var refs = (await FromAsync(rig.Api, token, 30, "VM"))["events"]!.AsArray().Select(e => Text(e!, "ref")).ToList();
        refs.IndexOf(rig.Vm).Should().BeInRange(0, refs.IndexOf(reborn) - 1);
    }

    [Fact]
    public async Task Nothing_to_report_is_no_error()
    {
        var client = await server.LoginAsync();
        var token = await TokenAsync(client);
        var answer = await FromAsync(client, token, 0.1, "blob");
        answer["events"]!.AsArray().Should().BeEmpty();
        answer["token"]!.GetValue<string>().Should().NotBeEmpty();
        (await FromAsync(client, token, 0.05))["events"]!.AsArray().Should().BeEmpty("no class was asked for");
        (await FromAsync(client, "", 0.05, "no_such_class", "no_such/x"))["events"]!.AsArray().Should().BeEmpty();
    }

    [Theory]
    [InlineData(30.5)]
    [InlineData(-1.0)]
    [InlineData(1e300)]
    public async Task A_change_wakes_the_call(double timeout)
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("sleeper"));
        var token = await TokenAsync(client);
        var waiting = FromAsync(client, token, timeout, "VM/" + vm);
        await Task.Delay(50);
        waiting.IsCompleted.Should().BeFalse();
        await client.CallAsync("VM.set_name_label", vm, "awake");
        var answer = await waiting.WaitAsync(HangCap);
        Text(answer["events"]![0]!["snapshot"]!, "name_label").Should().Be("awake");
    }

    [Fact]
    public async Task A_timeout_may_be_text_or_whole()
    {
        var client = await server.LoginAsync();
        (await client.CallAsync("event.from", new[] { "pool" }, "", "60.1"))["events"]!.AsArray().Should().HaveCount(1);
        (await client.CallAsync("event.from", new[] { "pool" }, "", 60))["events"]!.AsArray().Should().HaveCount(1);
    }

    [Fact]
    public async Task Letter_case_matters_in_references_but_not_in_classes()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("case"));
        var token = await client.TextAsync("event.inject", "VM", vm);
        foreach (var @class in (string[])["VM", "vm", "Vm"])
            (await FromAsync(client, token, 30, @class + "/" + vm))["events"]!.AsArray().Should().HaveCount(1);
        (await FromAsync(client, token, 0, "VM/" + vm.ToUpperInvariant()))["events"]!.AsArray().Should().BeEmpty();
        (await FromAsync(client, token, 0, "VDI/" + vm))["events"]!.AsArray().Should().BeEmpty();
    }

    [Fact]
    public async Task Everything_can_be_asked_for()
    {
        var client = await server.LoginAsync();
        var events = (await FromAsync(client, "", 30, "*"))["events"]!.AsArray();
        events.Select(e => Text(e!, "class")).Distinct().Should().Contain(["pool", "host", "vm", "sr", "network"]).And.NotContain(["session", "user", "secret"]);
    }

    [Theory]
    [InlineData("session")]
    [InlineData("user")]
    [InlineData("secret")]
    public async Task Some_classes_give_no_events(string @class)
    {
        var client = await server.LoginAsync();
        await client.CallAsync("secret.create", JsonArguments.Map(("value", "x"), ("other_config", JsonArguments.Map())));
        (await FromAsync(client, "", 0, @class))["events"]!.AsArray().Should().BeEmpty();
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1")]
    [InlineData("1,2,3")]
    [InlineData("-1,0")]
    [InlineData("1,x")]
    [InlineData(",")]
    public async Task A_token_that_is_none_is_refused(string token) =>
        (await (await server.LoginAsync()).ErrorAsync("event.from", new[] { "pool" }, token, 1.0)).Should().Equal("EVENT_FROM_TOKEN_PARSE_FAILURE", token);

    [Fact]
    public async Task Ids_and_tokens_grow_and_have_a_fixed_form()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("growing"));
        var token = await TokenAsync(client);
        var last = 0L;
        for (var i = 0; i < 5; i++)
        {
            await client.CallAsync("VM.set_name_label", vm, "v" + i);
            var answer = await FromAsync(client, token, 30, "VM/" + vm);
            var id = long.Parse(Text(answer["events"]![0]!, "id"));
            id.Should().BeGreaterThan(last);
            last = id;
            var next = answer["token"]!.GetValue<string>();
            next.Should().MatchRegex("^[0-9]{20},[0-9]{20}$");
            string.CompareOrdinal(next, token).Should().BePositive();
            token = next;
        }
    }

    [Fact]
    public async Task Every_stored_class_is_counted()
    {
        var client = await server.LoginAsync();
        var counts = (await FromAsync(client, "", 0))["valid_ref_counts"]!.AsObject();
        var before = counts["vm"]!.GetValue<int>();
        await client.CallAsync("VM.create", Records.Vm("counted"));
        counts = (await FromAsync(client, "", 0))["valid_ref_counts"]!.AsObject();
        counts["vm"]!.GetValue<int>().Should().BeGreaterThan(before);
        counts["pool"]!.GetValue<int>().Should().Be(1);
        counts.Select(c => c.Key).Should().Contain(["task", "session", "vbd_metrics", "host"]).And.NotContain("message").And.NotContain(k => k.Any(char.IsUpper));
        counts["session"]!.GetValue<int>().Should().BePositive();
    }

    [Fact]
    public async Task Counts_are_the_only_real_integers_in_XML()
    {
        var client = await server.LoginAsync();
        var answer = await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall("event.from", client.Session, "<array><data><value>pool</value></data></array>", "", "<double>5.1</double>"));
        answer.Text.Should().Contain("<name>pool</name><value><i4>1</i4></value>").And.NotContain("<int>");
        answer.Text.Should().Contain("<name>timestamp</name><value>0.0</value>").And.Contain("<name>class</name><value>pool</value>");
        var events = answer.Text[..answer.Text.IndexOf("valid_ref_counts", StringComparison.Ordinal)];
        events.Should().NotContain("<i4>");
    }

    [Fact]
    public async Task Both_ends_of_a_relation_change()
    {
        var client = await server.LoginAsync();
        var sr = await client.TextAsync("pool.get_default_SR", (await client.ListAsync("pool.get_all"))[0]);
        var vm = await client.TextAsync("VM.create", Records.Vm("ends"));
        var vdi = await client.TextAsync("VDI.create", Records.Vdi(sr, Records.MiB));
        var token = await TokenAsync(client);
        var vbd = await client.TextAsync("VBD.create", Records.Vbd(vm, vdi));
        var events = (await FromAsync(client, token, 30, "VM/" + vm, "VDI/" + vdi, "VBD"))["events"]!.AsArray();
        events.Select(e => (Text(e!, "ref"), Operation(e!))).Should().Contain([(vbd, "add"), (vm, "mod"), (vdi, "mod")]);
        events.Single(e => Text(e!, "ref") == vm)!["snapshot"]!["VBDs"]!.AsArray().Select(v => v!.GetValue<string>()).Should().Equal(vbd);

        token = await TokenAsync(client);
        await client.CallAsync("VBD.destroy", vbd);
        events = (await FromAsync(client, token, 30, "VM/" + vm, "VDI/" + vdi, "VBD/" + vbd))["events"]!.AsArray();
        events.Select(e => (Text(e!, "ref"), Operation(e!))).Should().BeEquivalentTo([(vbd, "del"), (vm, "mod"), (vdi, "mod")]);
    }

    [Fact]
    [SeesEffectOf("event.inject", "event.from")]
    public async Task An_injected_event_is_there_at_once()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        var token = await client.TextAsync("event.inject", "pool", pool);
        var @event = (await FromAsync(client, token, 30, "*"))["events"]!.AsArray().Single(e => Text(e!, "ref") == pool);
        Operation(@event!).Should().Be("mod");
        (await client.ErrorAsync("event.inject", "Pool", pool)).Should().Equal("HANDLE_INVALID", "Pool", pool);
        (await client.ErrorAsync("event.inject", "VM", pool)).Should().Equal("HANDLE_INVALID", "VM", pool);
        (await client.ErrorAsync("event.inject", "pool", SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "pool", SampleValues.Nowhere);
    }

    [Fact]
    public async Task A_logout_ends_the_wait()
    {
        var client = await server.LoginAsync();
        var token = await TokenAsync(client);
        var waits = Enumerable.Range(0, 3).Select(_ => client.AnswerAsync("event.from", new[] { "blob" }, token, 1000.0)).ToList();
        await Task.Delay(50);
        await client.CallAsync("session.logout");
        foreach (var wait in waits)
            (await wait.WaitAsync(HangCap)).Error.Should().Equal("SESSION_INVALID", client.Session);
    }

    [Fact]
    public async Task Many_calls_of_one_session_are_independent()
    {
        var client = await server.LoginAsync();
        var vms = new List<string>();
        for (var i = 0; i < 10; i++)
            vms.Add(await client.TextAsync("VM.create", Records.Vm("many " + i)));
        var token = await TokenAsync(client);
        var waits = vms.Select(vm => FromAsync(client, token, 60, "VM/" + vm)).ToList();
        foreach (var vm in vms)
            await client.CallAsync("VM.set_name_label", vm, "now");
        var answers = await Task.WhenAll(waits).WaitAsync(HangCap);
        for (var i = 0; i < vms.Count; i++)
            answers[i]["events"]!.AsArray().Select(e => Text(e!, "ref")).Should().Equal(vms[i]);
    }

    [Fact]
    public async Task A_client_that_follows_the_tokens_has_the_truth()
    {
        var client = await server.LoginAsync();
        var known = new Dictionary<string, string>();
        var answer = await FromAsync(client, "", 30, "VM");
        using var stop = new CancellationTokenSource();
        var work = Task.Run(async () =>
        {
            var other = await server.LoginAsync();
            for (var i = 0; i < 40; i++)
            {
                var vm = await other.TextAsync("VM.create", Records.Vm("followed " + i));
                await other.CallAsync("VM.set_name_label", vm, "named " + i);
                if (i % 3 == 0)
                    await other.CallAsync("VM.destroy", vm);
            }
        });
        for (var over = false; ;)
        {
            foreach (var @event in answer["events"]!.AsArray())
            {
                if (Operation(@event!) == "del")
                    known.Remove(Text(@event!, "ref"));
                else
                    known[Text(@event!, "ref")] = Text(@event!["snapshot"]!, "name_label");
            }

            // Only an answer that was asked for behind the last change can be the last one.
            if (over && answer["events"]!.AsArray().Count == 0)
                break;
            over = work.IsCompleted;
            answer = await FromAsync(client, answer["token"]!.GetValue<string>(), 0.2, "VM");
        }

        await work;
        // Other tests of this class work on the same server: the count in the answer is what must agree.
        known.Values.Count(n => n.StartsWith("named ", StringComparison.Ordinal)).Should().Be(26);
        var truth = (await client.CallAsync("VM.get_all_records")).AsObject().Where(r => Text(r.Value!, "name_label").StartsWith("named ", StringComparison.Ordinal));
        known.Where(k => k.Value.StartsWith("named ", StringComparison.Ordinal)).Select(k => k.Key).Should().BeEquivalentTo(truth.Select(t => t.Key));
    }

    private static async Task<string> TokenAsync(XenClient client) => (await FromAsync(client, "", 0))["token"]!.GetValue<string>();

    private static async Task<JsonObject> FromAsync(XenClient client, string token, double timeout, params string[] classes) =>
        (await client.CallAsync("event.from", classes, token, timeout)).AsObject();

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static string Operation(JsonNode @event) => Text(@event, "operation");
}
