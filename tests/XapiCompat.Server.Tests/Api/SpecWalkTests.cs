using System.Collections.Concurrent;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>
/// Every message of the datamodel is answered from data, bound to code, refused as removed, or stands in the pinned list.
/// </summary>
public sealed class SpecWalkTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Unbuilt = "not-implemented.txt";
    private const string Effectless = "no-effect.txt";
    private const string StaysCallable = "VM.snapshot_with_quiesce";

    private static readonly Model Model = Model.Load();

    [Fact]
    public void The_datamodel_has_the_documented_counts()
    {
        Model.Classes.Should().HaveCount(73);
        Model.Messages.Should().HaveCount(2258);
        Model.Messages.Count(m => m.Kind != MessageKind.Explicit).Should().Be(1580);
        Model.Messages.Select(m => m.Kind).Distinct().Should().HaveCount(14, "13 generated kinds and the explicit one");
        Model.Messages.Count(m => m.Async).Should().Be(530);
        Model.Messages.Count(m => m.HasOptionalParameters).Should().Be(54);
        Model.Messages.Count(m => m.Removed).Should().Be(96);
        Model.Messages.Count(m => !m.NeedsSession).Should().Be(4);
        Model.Classes.Sum(c => c.FieldNames.Count).Should().Be(922);
    }

    [Fact]
    public async Task Explicit_messages_without_code_are_exactly_the_pinned_ones()
    {
        var unbuilt = new ConcurrentBag<string>();
        foreach (var message in Model.Messages.Where(m => !m.Removed && m.Kind == MessageKind.Explicit))
        {
            // Some messages end the session they are called with.
            var client = message.Class.Name == "session" ? await server.LoginAsync() : await Client();
            var answer = message.NeedsSession
                ? await client.AnswerAsync(message.FullName, SampleValues.NeutralArguments(message))
                : await client.Wire.CallAsync(message.FullName, JsonArguments.Array(SampleValues.NeutralArguments(message)));
            if (answer.Error is not ["NOT_IMPLEMENTED", ..])
                continue;
            answer.Error.Should().Equal("NOT_IMPLEMENTED", message.FullName);
            unbuilt.Add(message.FullName);
        }

        PinnedList.ShouldBe(Unbuilt, unbuilt);
    }

    [Fact]
    public async Task Async_forms_of_unbuilt_messages_fail_in_their_task()
    {
        var client = await Client();
        foreach (var message in PinnedList.Read(Unbuilt).Keys.Select(n => Model.FindMessage(n)!).Where(m => m.Async))
        {
            var task = await client.FinishedTaskAsync("Async." + message.FullName, SampleValues.NeutralArguments(message));
            task["status"]!.GetValue<string>().Should().Be("failure");
            task["error_info"]!.AsArray().Select(i => i!.GetValue<string>()).Should().Equal("NOT_IMPLEMENTED", message.FullName);
            task["name_label"]!.GetValue<string>().Should().Be("Async." + message.FullName);
        }
    }

    [Fact]
    public async Task Removed_messages_say_so()
    {
        var client = await Client();
        foreach (var message in Model.Messages.Where(m => m.Removed && m.FullName != StaysCallable))
        {
            var error = await client.ErrorAsync(message.FullName, SampleValues.NeutralArguments(message));
            error.Should().Equal(["MESSAGE_REMOVED"], message.FullName);
        }

        (await client.ErrorAsync(StaysCallable, SampleValues.Nowhere, "name")).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
    }

    [Fact]
    public async Task Messages_without_an_async_form_refuse_it()
    {
        var client = await Client();
        foreach (var message in Model.Messages.Where(m => m is { Async: false, Removed: false, NeedsSession: true }))
        {
            var error = await client.ErrorAsync("Async." + message.FullName, SampleValues.NeutralArguments(message));
            error.Should().Equal("Fault", "No async mode for this operation (rpc: " + message.FullName + ")");
        }
    }

    [Fact]
    public async Task Messages_without_effect_are_few_bound_and_change_nothing()
    {
        var list = PinnedList.Read(Effectless);
        list.Should().HaveCountLessThanOrEqualTo(20);
        var client = await Client();
        foreach (var (name, reason) in list)
        {
            reason.Should().NotBeEmpty(name);
            var message = Model.FindMessage(name)!;
            message.Kind.Should().Be(MessageKind.Explicit);
            PinnedList.Read(Unbuilt).Keys.Should().NotContain(name);
            var self = server.Host.Records.Current.All(message.Class).First().Reference;
            var before = server.Host.Records.Current.Find(self)!.Modified;
            await client.CallAsync(name, self);
            server.Host.Records.Current.Find(self)!.Modified.Should().Be(before);
        }
    }

    [Fact]
    public async Task List_methods_names_every_message_once()
    {
        var answer = await new JsonWire(server.Http).CallAsync("system.listMethods", []);
        answer.Value!.AsArray().Select(n => n!.GetValue<string>()).Should().BeEquivalentTo(Model.Messages.Select(m => m.FullName));
        var bare = await new XmlWire(server.Http).PostAsync("system.listMethods", []);
        bare.AsArray().Select(n => n!.GetValue<string>()).Should().HaveCount(2258).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Classes_without_objects_are_empty_and_know_no_reference()
    {
        await using var fresh = await Fresh.CreateAsync();
        var client = await fresh.Server.LoginAsync();
        var empty = Model.Classes.Where(c => c.Stored && !fresh.Server.Host.Records.Current.All(c).Any()).ToList();
        empty.Should().HaveCountGreaterThan(20);
        foreach (var message in empty.SelectMany(c => Model.Messages.Where(m => m.Class == c && !m.Removed)))
        {
            var name = message.Class.Name;
            switch (message.Kind)
            {
                case MessageKind.GetAll or MessageKind.GetByNameLabel:
                    (await client.CallAsync(message.FullName, SampleValues.NeutralArguments(message))).AsArray().Should().BeEmpty(message.FullName);
                    break;
                case MessageKind.GetAllWhere:
                    (await client.CallAsync(message.FullName, "true")).AsArray().Should().BeEmpty(message.FullName);
                    break;
                case MessageKind.GetAllRecords:
                    (await client.CallAsync(message.FullName)).AsObject().Should().BeEmpty(message.FullName);
                    break;
                case MessageKind.GetAllRecordsWhere:
                    (await client.CallAsync(message.FullName, "true")).AsObject().Should().BeEmpty(message.FullName);
                    break;
                case MessageKind.GetByUuid:
                    (await client.ErrorAsync(message.FullName, "no-such-uuid")).Should().Equal(["UUID_INVALID", name, "no-such-uuid"], message.FullName);
                    break;
                case MessageKind.Getter or MessageKind.GetRecord or MessageKind.Setter or MessageKind.AddTo or MessageKind.RemoveFrom or MessageKind.Destroy:
                    (await client.ErrorAsync(message.FullName, SampleValues.NeutralArguments(message))).Should().Equal(["HANDLE_INVALID", name, SampleValues.Nowhere], message.FullName);
                    break;
            }
        }
    }

    [Fact]
    public async Task Every_generated_message_works_on_a_live_object()
    {
        await using var fresh = await Fresh.CreateAsync();
        var walk = new GeneratedMessageWalk(await fresh.Server.LoginAsync(), fresh.Server.Host.Records);
        walk.MakeMissingObjects(Model);
        var wrong = new List<string>();
        foreach (var message in Model.Messages.Where(m => m.Kind != MessageKind.Explicit && !m.Removed))
        {
            try
            {
                await walk.CheckAsync(message);
            }
            catch (Exception e)
            {
                wrong.Add(message.FullName + ": " + e.Message);
            }
        }

        wrong.Should().BeEmpty();
    }

    private async Task<XenClient> Client() => await server.LoginAsync();

    private sealed class Fresh : IAsyncDisposable
    {
        public required RunningServer Server { get; init; }

        public static async Task<Fresh> CreateAsync() => new() { Server = await RunningServer.CreateAsync() };

        public async ValueTask DisposeAsync() => await Server.DisposeAsync();
    }
}
