using System.Diagnostics;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>
/// Every call of the tables in this folder fails with its code and all its parameters, over both wires, synchronously
/// and as a task, and changes no record.
/// </summary>
public sealed class NegativeCaseTests(NegativeWorld world, ITestOutputHelper output) : IClassFixture<NegativeWorld>
{
    /// <summary>A refusal that waits for something is none.</summary>
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private static readonly Model Model = Model.Load();

    [Fact]
    public async Task Every_case_of_the_tables_fails_as_documented()
    {
        var cases = NegativeTables.Load();
        var wrong = new List<string>();
        var runs = 0;
        var clock = Stopwatch.StartNew();
        world.TakeChanges();
        var before = world.Records.Current;
        XenClient[] clients = [await world.Server.LoginAsync(), await world.Server.LoginOverXmlAsync()];
        foreach (var one in cases)
        {
            foreach (var client in clients)
            {
                var wire = client.Wire is JsonWire ? "JSON" : "XML";
                runs++;
                Judge(one, wire, one.Message, await CallAsync(client, one, one.Message), wrong);
                if (one.SyncOnly || Model.FindMessage(one.Message)?.Async != true)
                    continue;
                runs++;
                var name = "Async." + one.Message;
                var answer = await CallAsync(client, one, name);
                if (answer.Error is null != one.AtOnce)
                    Judge(one, wire, name, one.AtOnce ? answer : await TaskErrorAsync(client, answer.Value!.GetValue<string>()), wrong);
                else
                    wrong.Add($"{one}: {wire} {name} {(one.AtOnce ? "made a task" : "failed at once: " + string.Join(" | ", answer.Error ?? []))}");
            }

            var changed = world.TakeChanges();
            wrong.AddRange(changed.SelectMany(r => Difference(before, r, one.Marks)).Select(d => one + ": " + d));
            before = world.Records.Current;
        }

        output.WriteLine($"{cases.Count} cases, {cases.Select(c => c.Message).Distinct().Count()} messages, {cases.Select(c => c.Error[0]).Distinct().Count()} codes, {runs} calls in {clock.Elapsed.TotalSeconds:0.0} s");
        await File.WriteAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "negative-cases.actual"), wrong);
        wrong.Take(40).Should().BeEmpty();
        cases.Should().HaveCountGreaterThan(300);
    }

    private async Task<RpcAnswer> CallAsync(XenClient client, NegativeCase one, string method)
    {
        JsonArray parameters = [];
        if (one.Session != "")
            parameters.Add(one.Session is null ? client.Session : world.Resolve(one.Session));
        foreach (var argument in one.Arguments ?? JsonArguments.Array(SampleValues.NeutralArguments(Model.FindMessage(one.Message)!)))
            parameters.Add(world.Resolve(argument));
        try
        {
            return await client.Wire.CallAsync(method, parameters).WaitAsync(HangCap);
        }
        catch (TimeoutException)
        {
            return new(null, ["no answer"]);
        }
    }

    /// <summary>What the task of an async call says when it is over.</summary>
    private async Task<RpcAnswer> TaskErrorAsync(XenClient client, string task)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (true)
        {
            var generation = world.Records.Current.Generation;
            if (world.Records.Current.Find(task)?.Text("status") is not "pending")
                break;
            try
            {
                await world.Records.NextCommitAsync(generation).WaitAsync(cap.Token);
            }
            catch (OperationCanceledException)
            {
                return new(null, ["no end"]);
            }
        }

        var (error, result) = (await client.ListAsync("task.get_error_info", task), world.Records.Current.Find(task)!.Text("result"));
        world.Records.Commit(unit => unit.Delete(task));
        return error.Count > 0 ? new(null, error) : new(JsonValue.Create(result), null);
    }

    private void Judge(NegativeCase one, string wire, string method, RpcAnswer answer, List<string> wrong)
    {
        var expected = one.Error.Select(world.Resolve).ToList();
        var actual = answer.Error;
        if (actual is null)
            wrong.Add($"{one}: {wire} {method} succeeded with {answer.Value?.ToJsonString()}, not {string.Join(" | ", one.Error)}");
        else if (actual.Count != expected.Count || expected.Where((text, i) => !Matches(text, actual[i])).Any())
            wrong.Add($"{one}: {wire} {method} gave {string.Join(" | ", actual.Select(world.Name))}, not {string.Join(" | ", one.Error)}");
    }

    /// <summary>A star stands for any run of characters, and for at least one.</summary>
    private static bool Matches(string expected, string actual)
    {
        var parts = expected.Split('*');
        return parts.Length == 1
            ? expected == actual
            : actual.Length >= Math.Max(1, parts.Sum(p => p.Length)) && actual.StartsWith(parts[0], StringComparison.Ordinal)
                && actual.EndsWith(parts[^1], StringComparison.Ordinal) && parts.All(p => actual.Contains(p, StringComparison.Ordinal));
    }

    /// <param name="marks">The object was marked and freed again: only its contents count.</param>
    private IEnumerable<string> Difference(Database before, string reference, bool marks)
    {
        var (old, now) = (before.Find(reference), world.Records.Current.Find(reference));
        if (old is null && now is not null)
            yield return $"a new {now.Class.Name} {world.Name(reference)}";
        else if (old is not null && now is null)
            yield return $"the {old.Class.Name} {world.Name(reference)} is gone";
        else if (old is not null && now is not null && old.Class.Fields.Where(f => !old[f].Equals(now[f])).Select(f => f.Name).ToList() is var fields && (fields.Count > 0 || !marks))
            yield return $"{now.Class.Name} {world.Name(reference)} changed: {(fields.Count > 0 ? string.Join(", ", fields) : "written again")}";
    }
}
