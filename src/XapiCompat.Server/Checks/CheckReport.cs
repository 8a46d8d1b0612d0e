using System.Text;
using System.Text.Json;
using XapiCompat.Core.Checks;
using XapiCompat.Storage;

namespace XapiCompat.Server.Checks;

/// <summary>A check's result for people and for programs.</summary>
internal static class CheckReport
{
    /// <summary>A line per finding, then one that sums up.</summary>
    public static void WriteLines(TextWriter output, bool running, StoreReport report)
    {
        foreach (var finding in report.Findings)
            output.WriteLine(OneLine(Word(finding.Level) + " " + finding.Code + " " + finding.Subject + ": " + finding.Text));
        output.WriteLine(
            $"{report.Srs} repositories, {report.Volumes} disks and base copies{(running ? ", beside a running server" : "")}: "
            + $"{Count(report, FindingLevel.Error)} errors, {Count(report, FindingLevel.Repairable)} to repair, {Count(report, FindingLevel.Repaired)} repaired, {Count(report, FindingLevel.Note)} notes");
    }

    public static void WriteJson(TextWriter output, string state, bool running, StoreReport report)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new() { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("state", state);
            writer.WriteBoolean("running", running);
            writer.WriteNumber("repositories", report.Srs);
            writer.WriteNumber("volumes", report.Volumes);
            writer.WriteBoolean("clean", report.IsClean);
            writer.WriteStartArray("findings");
            foreach (var finding in report.Findings)
            {
                writer.WriteStartObject();
                writer.WriteString("level", Word(finding.Level));
                writer.WriteString("code", finding.Code);
                writer.WriteString("subject", finding.Subject);
                writer.WriteString("text", finding.Text);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static int Count(StoreReport report, FindingLevel level) => report.Findings.Count(f => f.Level == level);

    private static string Word(FindingLevel level) => level switch
    {
        FindingLevel.Note => "note",
        FindingLevel.Repairable => "repairable",
        FindingLevel.Repaired => "repaired",
        _ => "error",
    };

    /// <summary>Names come from files: nothing in them may look like another line.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
}
