using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Messages: written about an object, read by time, object and expression, seen as events, gone when destroyed.</summary>
public sealed class MessageTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("message.create", "message.get_record", "message.get_by_uuid", "message.get_all", "message.get_all_records", "message.get_all_records_where", "message.destroy")]
    public async Task A_message_is_written_read_and_destroyed()
    {
        var client = await server.LoginAsync();
        var uuid = await HostUuidAsync(client);
        var message = await client.TextAsync("message.create", "ALARM", 3, "Host", uuid, "value: 1");
        var record = await client.RecordAsync("message", message);
        record["name"]!.GetValue<string>().Should().Be("ALARM");
        record["priority"]!.GetValue<long>().Should().Be(3);
        record["cls"]!.GetValue<string>().Should().Be("Host");
        record["obj_uuid"]!.GetValue<string>().Should().Be(uuid);
        record["body"]!.GetValue<string>().Should().Be("value: 1");
        record["timestamp"]!.GetValue<string>().Should().MatchRegex("^20[0-9]{6}T[0-9:]{8}Z$");
        (await client.TextAsync("message.get_by_uuid", record["uuid"]!.GetValue<string>())).Should().Be(message);
        (await client.ListAsync("message.get_all")).Should().Contain(message);
        (await client.CallAsync("message.get_all_records")).AsObject()[message]!.ToJsonString().Should().Be(record.ToJsonString());
        (await client.CallAsync("message.get_all_records_where", "field \"uuid\" = \"" + record["uuid"] + "\"")).AsObject().Should().ContainSingle().Which.Key.Should().Be(message);
        (await client.CallAsync("message.get_all_records_where", "field \"priority\" = \"77\"")).AsObject().Should().BeEmpty();

        await client.CallAsync("message.destroy", message);
        (await client.ErrorAsync("message.get_record", message)).Should().Equal("HANDLE_INVALID", "message", message);
        (await client.ErrorAsync("message.destroy", message)).Should().Equal("HANDLE_INVALID", "message", message);
        (await client.ListAsync("message.get_all")).Should().NotContain(message);
    }

    [Fact]
    public async Task A_message_is_about_an_object_that_exists()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("message.create", "x", 1, "VM", "no-such-uuid", "")).Should().Equal("UUID_INVALID", "VM", "no-such-uuid");
        (await client.ErrorAsync("message.create", "x", 1, "VM", await HostUuidAsync(client), "")).Should().HaveElementAt(0, "UUID_INVALID");
        (await client.ErrorAsync("message.get", "Host", "no-such-uuid", Records.Never)).Should().Equal("UUID_INVALID");
    }

    [Fact]
    [SeesEffectOf("message.get", "message.get_since")]
    public async Task Messages_are_found_by_object_and_time()
    {
        var client = await server.LoginAsync();
        var host = await HostUuidAsync(client);
        var pool = await client.TextAsync("pool.get_uuid", (await client.ListAsync("pool.get_all"))[0]);
        var ofHost = await client.TextAsync("message.create", "of host", 1, "Host", host, "");
        var ofPool = await client.TextAsync("message.create", "of pool", 1, "Pool", pool, "");
        Keys(await client.CallAsync("message.get", "Host", host, Records.Never)).Should().Contain(ofHost).And.NotContain(ofPool);
        Keys(await client.CallAsync("message.get", "Host", host, "20990101T00:00:00Z")).Should().BeEmpty();
        Keys(await client.CallAsync("message.get_since", Records.Never)).Should().Contain([ofHost, ofPool]);
        Keys(await client.CallAsync("message.get_since", "20990101T00:00:00Z")).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("message.destroy_many", "message.destroy_all")]
    public async Task Many_messages_go_at_once()
    {
        await using var own = await OwnServer.CreateAsync();
        var client = await own.Server.LoginAsync();
        var host = await HostUuidAsync(client);
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
            made.Add(await client.TextAsync("message.create", "m", i % 2, "Host", host, ""));
        (await client.ErrorAsync("message.destroy_many", JsonArguments.Array([made[0], SampleValues.Nowhere]))).Should().Equal("HANDLE_INVALID", "message", SampleValues.Nowhere);
        await client.CallAsync("message.destroy_many", made.Take(2));
        (await client.ListAsync("message.get_all")).Should().BeEquivalentTo(made.Skip(2));
        await client.CallAsync("message.destroy_all", JsonArguments.Map(("before", "20200101T00:00:00Z")));
        (await client.ListAsync("message.get_all")).Should().HaveCount(3);
        await client.CallAsync("message.destroy_all", JsonArguments.Map(("priority", "1")));
        (await client.ListAsync("message.get_all")).Should().HaveCount(2);
        (await client.ErrorAsync("message.destroy_all", JsonArguments.Map(("priority", "high")))).Should().HaveElementAt(0, "INTERNAL_ERROR");
        await client.CallAsync("message.destroy_all", JsonArguments.Map(("after", "20200101T00:00:00Z")));
        (await client.ListAsync("message.get_all")).Should().BeEmpty();
    }

    [Fact]
    public async Task Messages_are_events_with_an_own_part_of_the_token()
    {
        var client = await server.LoginAsync();
        var host = await HostUuidAsync(client);
        await client.CallAsync("message.create", "before", 1, "Host", host, "");
        var token = (await FromAsync(client, "", "message"))["token"]!.GetValue<string>();
        var made = await client.TextAsync("message.create", "after", 1, "Host", host, "");
        var answer = await FromAsync(client, token, "message");
        var added = answer["events"]!.AsArray().Should().ContainSingle().Subject!;
        added["class"]!.GetValue<string>().Should().Be("message");
        added["operation"]!.GetValue<string>().Should().Be("add");
        added["ref"]!.GetValue<string>().Should().Be(made);
        added["snapshot"]!["name"]!.GetValue<string>().Should().Be("after");
        answer["valid_ref_counts"]!.AsObject().Select(p => p.Key).Should().NotContain("message");
        var next = answer["token"]!.GetValue<string>();
        string.CompareOrdinal(next.Split(',')[1], token.Split(',')[1]).Should().BePositive();

        await client.CallAsync("message.destroy", made);
        var gone = (await FromAsync(client, next, "message"))["events"]!.AsArray().Should().ContainSingle().Subject!;
        gone["operation"]!.GetValue<string>().Should().Be("del");

        // Messages come first.
        await client.CallAsync("message.create", "third", 1, "Host", host, "");
        await client.CallAsync("VM.create", Records.Vm("with a message"));
        (await FromAsync(client, next, "*"))["events"]![0]!["class"]!.GetValue<string>().Should().Be("message");
    }

    [Fact]
    public async Task Messages_survive_a_restart()
    {
        await using var own = await OwnServer.CreateAsync();
        var client = await own.Server.LoginAsync();
        var message = await client.TextAsync("message.create", "kept", 5, "Host", await HostUuidAsync(client), "body");
        var before = await client.RecordAsync("message", message);
        await own.Server.RestartAsync();
        client = await own.Server.LoginAsync();
        (await client.RecordAsync("message", message)).ToJsonString().Should().Be(before.ToJsonString());
    }

    private static async Task<string> HostUuidAsync(XenClient client) => await client.TextAsync("host.get_uuid", (await client.ListAsync("host.get_all"))[0]);

    private static IEnumerable<string> Keys(JsonNode map) => map.AsObject().Select(p => p.Key);

    private static async Task<JsonObject> FromAsync(XenClient client, string token, params string[] classes) =>
        (await client.CallAsync("event.from", classes, token, 30.0)).AsObject();
}
