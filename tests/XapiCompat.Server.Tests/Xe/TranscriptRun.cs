using System.Text;
using XapiCompat.Server.Tests.Support;
using Xunit.Sdk;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Runs a transcript against a server and compares word for word.</summary>
internal sealed class TranscriptRun(TranscriptFile file, Func<TranscriptStep, IReadOnlyList<string>, Task<XeOutcome>> run, Func<string, Task> prepare, TranscriptNames names)
{
    private readonly Dictionary<TranscriptStep, IReadOnlyList<string>> _others = [];

    /// <summary>What was seen in place of what was wanted, in the form of the file.</summary>
    public IReadOnlyDictionary<TranscriptStep, IReadOnlyList<string>> Others => _others;

    /// <param name="goOn">Differences are collected in <see cref="Others"/> instead of ending the run.</param>
    public async Task RunAsync(bool goOn = false)
    {
        foreach (var step in file.Steps)
        {
            if (step.IsSetup)
            {
                await PrepareAsync(step);
                continue;
            }

            var outcome = await RunAsync(step);
            var difference = Compare("standard output", step.Output, outcome.Output)
                ?? Compare("standard error", step.Error, outcome.Error)
                ?? (step.ExitCode == outcome.ExitCode ? null : "the exit code is " + outcome.ExitCode + " instead of " + step.ExitCode);
            if (difference is null)
                continue;
            if (!goOn)
                throw new XunitException("line " + step.Line + ", $ " + names.Fill(step.Text) + "\n" + difference + "\n\nIt should be\n" + Wanted(step) + "\nand is\n" + Text(Seen(outcome)));
            _others[step] = Seen(outcome);
        }
    }

    private async Task PrepareAsync(TranscriptStep step)
    {
        try
        {
            await prepare(step.Text);
        }
        catch (Exception failure) when (failure is not XunitException)
        {
            throw new XunitException("line " + step.Line + ", % " + step.Text + "\n" + failure.Message);
        }
    }

    private async Task<XeOutcome> RunAsync(TranscriptStep step)
    {
        try
        {
            return await run(step, [.. TranscriptWords.Split(step.Text).Select(names.Fill)]);
        }
        catch (Exception failure) when (failure is not XunitException)
        {
            throw new XunitException("line " + step.Line + ", $ " + step.Text + "\n" + failure.Message);
        }
    }

    private string? Compare(string what, List<string> wanted, string seen)
    {
        if (seen.Length > 0 && !seen.EndsWith('\n'))
            return "the last line of " + what + " has no end";
        var lines = Lines(seen);
        for (var i = 0; i < Math.Min(lines.Count, wanted.Count); i++)
        {
            if (!names.Accept(wanted[i], lines[i]))
                return "line " + (i + 1) + " of " + what + " differs:\n- " + wanted[i] + "\n+ " + names.Describe(lines[i]);
        }

        return lines.Count == wanted.Count ? null : what + " has " + lines.Count + " lines instead of " + wanted.Count;
    }

    private List<string> Seen(XeOutcome outcome) =>
    [
        .. Lines(outcome.Output).Select(l => ("| " + names.Describe(l)).TrimEnd(' ')),
        .. Lines(outcome.Error).Select(l => ("! " + names.Describe(l)).TrimEnd(' ')),
        .. outcome.ExitCode == 0 ? [] : new[] { "= " + outcome.ExitCode },
    ];

    private static string Wanted(TranscriptStep step) => Text(
    [
        .. step.Output.Select(l => "| " + l),
        .. step.Error.Select(l => "! " + l),
        .. step.ExitCode == 0 ? [] : new[] { "= " + step.ExitCode },
    ]);

    private static string Text(IEnumerable<string> lines) => lines.Aggregate(new StringBuilder(), (b, l) => b.Append(l).Append('\n')).ToString();

    private static IReadOnlyList<string> Lines(string text) => text.Length == 0 ? [] : text.EndsWith('\n') ? text[..^1].Split('\n') : text.Split('\n');
}
