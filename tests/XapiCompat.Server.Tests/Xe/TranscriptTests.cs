using System.Globalization;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>
/// The sessions in <c>Transcripts</c>. With <c>XAPICOMPAT_XE_WRITE=1</c> a session that differs is written anew with what
/// was seen, to be read and judged before it is believed.
/// </summary>
public sealed class TranscriptTests(RunningServer server) : IClassFixture<RunningServer>
{
    internal static string Folder { get; } = Repository.File("tests", "XapiCompat.Server.Tests", "Xe", "Transcripts");

    public static TheoryData<string> Names() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Commands_answer_word_for_word(string session)
    {
        var path = Path.Combine(Folder, session + ".txt");
        var file = TranscriptFile.Read(path);
        if (file.Steps.FirstOrDefault(s => s.IsSetup && s.Text.Split(' ')[0] == "fresh") is not { } fresh)
        {
            await RunAsync(server, file, path);
            return;
        }

        var own = fresh.Text.Split(' ') is [_, var hosts]
            ? await RunningServer.CreateAsync(o => o with { Seed = o.Seed with { Hosts = int.Parse(hosts, CultureInfo.InvariantCulture), Srs = 1 } })
            : await RunningServer.CreateAsync();
        try
        {
            await RunAsync(own, file, path);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    private static async Task RunAsync(RunningServer target, TranscriptFile file, string path)
    {
        var names = new TranscriptNames();
        var dialogue = new XeDialogue(target.Port);
        var setup = new TranscriptSetup(await target.LoginAsync(), dialogue, names, target.Host.Records, Path.Combine(target.StatePath, "sr", "images-" + Path.GetFileNameWithoutExtension(path)));
        var run = new TranscriptRun(file, RunStepAsync, setup.RunAsync, names);
        var write = Environment.GetEnvironmentVariable("XAPICOMPAT_XE_WRITE") == "1";
        await run.RunAsync(goOn: write);
        if (run.Others.Count > 0)
            await File.WriteAllLinesAsync(path, file.With(run.Others));

        Task<XeOutcome> RunStepAsync(TranscriptStep step, IReadOnlyList<string> words)
        {
            dialogue.Typed.Clear();
            step.Typed.ForEach(dialogue.Typed.Enqueue);
            return dialogue.RunAsync(words);
        }
    }
}
