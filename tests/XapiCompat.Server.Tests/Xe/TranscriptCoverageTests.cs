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

    private static readonly List<TranscriptStep> Steps =
        [.. Directory.EnumerateFiles(TranscriptTests.Folder, "*.txt").SelectMany(f => TranscriptFile.Read(f).Steps).Where(s => !s.IsSetup)];

    [Fact]
    public void Every_important_command_has_a_success_and_a_failure_in_the_transcripts()
    {
        Commands.Should().HaveCount(120);
        var seen = Steps.Select(s => s.Command + (s.ExitCode == 0 ? ":success" : ":failure")).ToHashSet(StringComparer.Ordinal);
        PinnedList.ShouldBe("xe-no-transcript.txt", Commands.SelectMany(c => new[] { c + ":success", c + ":failure" }).Where(n => !seen.Contains(n)));
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
