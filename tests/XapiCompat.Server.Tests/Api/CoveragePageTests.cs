using FluentAssertions;
using XapiCompat.Core.Dispatch;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>docs/coverage.md says of every message what the server really does. When it does not: run scripts/coverage.</summary>
public sealed class CoveragePageTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Hint = "scripts/coverage brings the page up to date";

    private static readonly Model Model = Model.Load();

    [Fact]
    public void Every_explicit_message_stands_there_with_what_becomes_of_it()
    {
        var rows = File.ReadLines(Repository.File("docs", "coverage.md"))
            .SkipWhile(l => l != "## Explicit messages").TakeWhile(l => l != "## Implicit messages")
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
            .Select(l => l.Split(" | "))
            .ToDictionary(c => c[0][2..], c => c[1], StringComparer.Ordinal);
        var expected = Model.Messages.Where(m => m.Kind == MessageKind.Explicit).ToDictionary(m => m.FullName, State, StringComparer.Ordinal);
        rows.Keys.Should().BeEquivalentTo(expected.Keys, Hint);
        rows.Where(r => !r.Value.StartsWith(expected[r.Key], StringComparison.Ordinal)).Select(r => r.Key + ": " + r.Value + ", really " + expected[r.Key]).Should().BeEmpty(Hint);
    }

    [Fact]
    public void The_count_on_top_is_what_is_built()
    {
        var published = Model.Messages.Where(m => m.Kind == MessageKind.Explicit && !m.Hidden && !m.Removed).ToList();
        File.ReadAllText(Repository.File("docs", "coverage.md")).Should().Contain(
            $"**{published.Count(m => State(m) == "implemented")} of the {published.Count} published explicit messages", Hint);
    }

    [Fact]
    public void The_lists_of_clients_name_messages_that_exist()
    {
        foreach (var list in Directory.EnumerateFiles(Repository.File("conformance"), "messages.txt", SearchOption.AllDirectories))
            File.ReadLines(list).Where(l => !l.StartsWith('#') && Model.FindMessage(l) is null).Should().BeEmpty(list);
    }

    [Fact]
    public async Task The_server_writes_down_what_clients_had_answered()
    {
        var path = "";
        var logging = await RunningServer.CreateAsync(o => o with { CallLog = path = o.State + ".calls" });
        var client = await logging.LoginAsync();
        await client.ListAsync("VM.get_all");
        await client.ListAsync("VM.get_all");
        await client.ErrorAsync("VM.get_record", Records.Null);
        await client.FinishedTaskAsync("Async.network.create", JsonArguments.Map(("name_label", "n"), ("name_description", ""), ("MTU", 1500), ("other_config", JsonArguments.Map())));
        var lines = await File.ReadAllLinesAsync(path);
        await logging.DisposeAsync();
        lines.Should().OnlyHaveUniqueItems().And.Contain("session.login_with_password").And.Contain("VM.get_all").And.Contain("network.create").And.NotContain("VM.get_record");
    }

    private string State(MessageDef message) =>
        message.Removed ? "removed"
        : PinnedList.Read("refused-by-code.txt").ContainsKey(message.FullName) ? "refused"
        : server.Host.BoundMessages.Any(b => b.FullName == message.FullName) ? "implemented"
        : Refused.Contains(message.FullName) ? "refused"
        : "not implemented";

    private static HashSet<string> Refused { get; } = [.. Refusals.Load(Model).All.Select(r => r.Key.FullName)];
}
