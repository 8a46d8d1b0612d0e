using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Every bound message with a wrong session, arity, type and reference: a documented error, and nothing else happens.</summary>
public sealed class BadArgumentTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string NoSession = "OpaqueRef:00000000-0000-4000-8000-000000000bad";

    /// <summary>An empty list, and an error about the parameter: the documented answers to references of nothing.</summary>
    private static readonly string[] OwnAnswers = ["role.get_by_permission", "PVS_proxy.create"];

    /// <summary>Answers when something changes, right calls and wrong ones alike.</summary>
    private const string Waits = "event.next";

    private static readonly Model Model = Model.Load();

    private static IEnumerable<MessageDef> Bound
    {
        get
        {
            var unbuilt = PinnedList.Read("not-implemented.txt");
            return Model.Messages.Where(m => m is { Kind: MessageKind.Explicit, Removed: false } && !unbuilt.ContainsKey(m.FullName));
        }
    }

    private static IEnumerable<MessageDef> TakingReference() =>
        Bound.Where(m => m.NeedsSession && m.Parameters.Count > 0 && m.Parameters[0].Type is RefType && !OwnAnswers.Contains(m.FullName));

    [Fact]
    public async Task A_wrong_session_is_refused_by_all()
    {
        var wire = new JsonWire(server.Http);
        foreach (var message in Bound.Where(m => m.NeedsSession))
            (await wire.CallAsync(message.FullName, JsonArguments.Array([NoSession, .. SampleValues.NeutralArguments(message)]))).Error.Should().Equal(["SESSION_INVALID", NoSession], message.FullName);
    }

    [Fact]
    public async Task A_missing_argument_is_counted_by_all()
    {
        var client = await server.LoginAsync();
        foreach (var message in Bound.Where(m => m.NeedsSession && m.RequiredParameters > 0))
        {
            var error = await client.ErrorAsync(message.FullName, [.. SampleValues.NeutralArguments(message).Take(message.RequiredParameters - 1)]);
            error.Should().Equal(["MESSAGE_PARAMETER_COUNT_MISMATCH", message.FullName, message.RequiredParameters.ToString(), (message.RequiredParameters - 1).ToString()], message.FullName);
        }
    }

    [Fact]
    public async Task A_wrong_type_is_refused_by_all_in_every_place()
    {
        var client = await server.LoginAsync();
        foreach (var message in Bound.Where(m => m.NeedsSession))
        {
            for (var i = 0; i < message.Parameters.Count; i++)
            {
                var arguments = SampleValues.NeutralArguments(message);
                arguments[i] = message.Parameters[i].Type is SetType or MapType or RecordType ? "text" : JsonArguments.Array([]);
                var error = await client.ErrorAsync(message.FullName, arguments);
                error.Should().HaveCount(2, message.FullName + "/" + message.Parameters[i].Name + ": " + string.Join(",", error));
                error[0].Should().Be("INTERNAL_ERROR", message.FullName + "/" + message.Parameters[i].Name);
            }
        }
    }

    [Fact]
    public async Task A_reference_of_nothing_is_refused_by_all_and_leaves_no_trace()
    {
        var client = await server.LoginAsync();
        var generation = Modified();
        var tasks = await client.ListAsync("task.get_all");
        var wrong = new List<string>();
        foreach (var message in TakingReference())
        {
            var answer = await client.AnswerAsync(message.FullName, SampleValues.NeutralArguments(message));
            if (answer.Error is not ["HANDLE_INVALID", var @class, SampleValues.Nowhere] || @class != ((RefType)message.Parameters[0].Type).Class)
                wrong.Add(message.FullName + ": " + string.Join(", ", answer.Error ?? ["success"]));
        }

        wrong.Should().BeEmpty();

        Modified().Should().Be(generation);
        (await client.ListAsync("task.get_all")).Should().BeEquivalentTo(tasks);
    }

    [Fact]
    public async Task A_reference_of_another_class_is_refused_by_all()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        var wrong = new List<string>();
        foreach (var message in TakingReference().Where(m => m.Parameters[0].Type is RefType { Class: not "pool" }))
        {
            var answer = await client.AnswerAsync(message.FullName, [pool, .. SampleValues.NeutralArguments(message).Skip(1)]);
            if (answer.Error is not ["HANDLE_INVALID", var @class, var reference] || @class != ((RefType)message.Parameters[0].Type).Class || reference != pool)
                wrong.Add(message.FullName + ": " + string.Join(", ", answer.Error ?? ["success"]));
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public async Task Every_error_is_one_that_is_documented()
    {
        var client = await server.LoginAsync();
        foreach (var message in Bound.Where(m => m.NeedsSession && m.Class.Name != "session" && m.FullName != Waits))
        {
            var answer = await client.AnswerAsync(message.FullName, SampleValues.NeutralArguments(message));
            if (answer.Error is not null)
                (Model.Errors.ContainsKey(answer.Error[0]) || answer.Error[0].StartsWith("SR_BACKEND_FAILURE_", StringComparison.Ordinal)).Should().BeTrue(message.FullName + ": " + answer.Error[0]);
        }
    }

    /// <summary>The newest change of a persistent object.</summary>
    private long Modified() => Model.Classes.Where(c => c.Persistent && c.Stored).SelectMany(c => server.Host.Records.Current.All(c)).Max(r => r.Modified);
}
