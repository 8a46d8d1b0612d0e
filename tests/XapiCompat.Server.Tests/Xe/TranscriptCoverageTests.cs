using System.Text.Json;
using FluentAssertions;
using XapiCompat.Server.Tests.Api;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Each command that scripts need first is in the transcripts, once as it works and once as it fails.</summary>
public sealed class TranscriptCoverageTests
{
    private static readonly HashSet<string> Commands = Table();

    private static readonly HashSet<string> Seen = Directory.EnumerateFiles(TranscriptTests.Folder, "*.txt")
        .SelectMany(f => TranscriptFile.Read(f).Steps)
        .Where(s => !s.IsSetup)
        .Select(s => s.Command + (s.ExitCode == 0 ? ":success" : ":failure"))
        .ToHashSet(StringComparer.Ordinal);

    [Fact]
    public void Every_important_command_has_a_success_and_a_failure_in_the_transcripts()
    {
        Commands.Should().HaveCount(120);
        var refused = PinnedList.Read("xe-refused.txt").Keys.Select(c => c + ":success");
        PinnedList.ShouldBe(
            "xe-no-transcript.txt", Commands.SelectMany(c => new[] { c + ":success", c + ":failure" }).Except(refused).Where(n => !Seen.Contains(n)));
    }

    [Fact]
    public void Commands_that_are_always_refused_have_a_reason_and_no_success()
    {
        foreach (var (command, reason) in PinnedList.Read("xe-refused.txt"))
        {
            reason.Should().NotBeEmpty(command);
            Commands.Should().Contain(command);
            Seen.Should().NotContain(command + ":success");
            Seen.Should().Contain(command + ":failure");
        }
    }

    private static HashSet<string> Table()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Repository.File("xapi-spec", "xe", "commands.json")));
        return document.RootElement.GetProperty("static").EnumerateObject()
            .Where(c => c.Value.TryGetProperty("priority", out var priority) && priority.GetInt32() == 1)
            .Select(c => c.Name)
            .ToHashSet(StringComparer.Ordinal);
    }
}
