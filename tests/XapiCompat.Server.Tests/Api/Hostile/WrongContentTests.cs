using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Hostile;

/// <summary>
/// Well-formed documents with wrong content, made from the datamodel: each is answered with a documented failure, and
/// no record changes.
/// </summary>
public sealed class WrongContentTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    private const int Callers = 4;

    /// <summary>Nobody has a permission that is none: an empty list, as documented.</summary>
    private const string AnswersNothing = "role.get_by_permission";

    private static readonly Model Model = Model.Load();

    [Fact]
    public async Task A_value_of_another_type_is_refused_in_every_position_of_every_message()
    {
        var calls = new List<Call>();
        foreach (var message in Model.Messages.Where(m => m.NeedsSession && !m.Removed))
        {
            for (var position = 0; position < message.Parameters.Count; position++)
            {
                foreach (var wrong in HostileValues.NotOf(message.Parameters[position].Type))
                {
                    var arguments = SampleValues.NeutralArguments(message);
                    arguments[position] = wrong;
                    calls.Add(new(message.FullName, arguments));
                }
            }
        }

        output.WriteLine(calls.Count + " calls");
        var answers = await AnswersAsync(calls);
        answers.Where(a => a.Error is not ["INTERNAL_ERROR", _]).Select(a => a.ToString()).Take(10).Should().BeEmpty();
    }

    [Fact]
    public async Task References_to_nothing_and_to_other_classes_are_refused_whatever_comes_with_them()
    {
        var random = new Random(Soak.Seed(output));
        var messages = Model.Messages.Where(m => m.NeedsSession && !m.Removed && m.FullName != AnswersNothing && m.Parameters.Any(p => p.Type is RefType)).ToList();
        var calls = new List<Call>();
        var count = Soak.Count(10_000, 100_000);
        for (var i = 0; i < count; i++)
        {
            var message = messages[random.Next(messages.Count)];
            var foreign = References(message);
            var arguments = message.Parameters.Select(p => (object?)HostileValues.Of(p.Type, random, p.Type is RefType type ? foreign(type) : [SampleValues.Nowhere])).ToArray();
            calls.Add(new(random.Next(3) == 0 && message.Async ? "Async." + message.FullName : message.FullName, arguments));
        }

        var answers = await AnswersAsync(calls);
        var wrong = answers.Where(a => !a.Method.StartsWith("Async.", StringComparison.Ordinal))
            .Where(a => a.Error is null || (a.Error[0] == "INTERNAL_ERROR" && a.Error[1].Contains("Exception", StringComparison.Ordinal)) || !Documented(a.Error[0]));
        wrong.Select(a => a.ToString()).Distinct().Take(20).Should().BeEmpty();
    }

    private static bool Documented(string code) =>
        Model.Errors.ContainsKey(code) || code.StartsWith("SR_BACKEND_FAILURE_", StringComparison.Ordinal) || code == "Fault";

    /// <summary>For each type of a reference: one of nothing, and live ones of other classes.</summary>
    private Func<RefType, IReadOnlyList<string>> References(MessageDef message)
    {
        var records = server.Host.Records.Current;
        return type =>
        {
            List<string> found = [SampleValues.Nowhere, "", "garbage", "OpaqueRef:NULL"];
            // What stands in the place of self may not be the null reference: some messages take it for a default.
            if (type.Class != message.Class.Name)
                found = [SampleValues.Nowhere];
            foreach (var other in (string[])["pool", "host", "network", "SR", "SM"])
            {
                if (other != type.Class && records.All(Model.Class(other)).FirstOrDefault() is { } record)
                    found.Add(record.Reference);
            }

            return found;
        };
    }

    private async Task<IReadOnlyList<Answer>> AnswersAsync(IReadOnlyList<Call> calls)
    {
        var before = Contents();
        var answers = new ConcurrentBag<Answer>();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async i =>
        {
            var client = i % 2 == 0 ? await server.LoginAsync() : await server.LoginOverXmlAsync();
            for (var at = Interlocked.Increment(ref next); at < calls.Count; at = Interlocked.Increment(ref next))
            {
                // XML cannot carry every character.
                var call = i % 2 == 0 ? calls[at] : calls[at] with { Arguments = [.. calls[at].Arguments.Select(Printable)] };
                var answer = await client.AnswerAsync(call.Method, call.Arguments);
                answers.Add(new(call.Method, JsonArguments.Array(call.Arguments).ToJsonString(), answer.Error));
            }
        }));
        await EndOfTasksAsync();
        Contents().Should().Equal(before, "no refused call changes a record");
        return [.. answers];
    }

    /// <summary>Every object with the generation of its last change; tasks and sessions come and go.</summary>
    private SortedDictionary<string, string> Contents()
    {
        var records = server.Host.Records.Current;
        var all = Model.Classes.Where(c => c.Stored && c.Name is not ("task" or "session" or "host_metrics"))
            .SelectMany(records.All)
            .ToDictionary(r => r.Reference, r => r.Class.Name + " " + r.Modified);
        return new(all, StringComparer.Ordinal);
    }

    private async Task EndOfTasksAsync()
    {
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (server.Host.Records.Current.All(Model.Class("task")).Any(t => t.Text("status") == "pending"))
            await Task.Delay(20, cap.Token);
    }

    private static object? Printable(object? value) => value is JsonNode node
        ? JsonNode.Parse(node.ToJsonString().Replace("\\u0001", "1", StringComparison.Ordinal).Replace("\\u0002", "2", StringComparison.Ordinal))
        : value;

    private sealed record Call(string Method, object?[] Arguments);

    private sealed record Answer(string Method, string Arguments, IReadOnlyList<string>? Error)
    {
        public override string ToString() =>
            Method + " " + (Arguments.Length > 300 ? Arguments[..300] : Arguments) + " -> " + (Error is null ? "success" : string.Join(", ", Error));
    }
}
