using XapiCompat.Core.Checks;
using XapiCompat.Datamodel;
using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Server.Checks;

/// <summary>
/// <c>check</c>: looks over a state directory, and repairs what is safe to repair when no server runs on it; docs/check.md.
/// </summary>
internal static class CheckCommand
{
    public const string Name = "check";

    private const int Clean = 0;
    private const int Found = 1;
    private const int Impossible = 2;

    /// <summary>Operations of a running server end sooner than that, nearly always.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private const int Looks = 4;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter errors, CancellationToken cancellationToken = default)
    {
        try
        {
            var options = CheckOptions.Parse(arguments);
            var (report, running) = await CheckAsync(options, cancellationToken);
            if (options.Json)
                CheckReport.WriteJson(output, options.State, running, report);
            else
                CheckReport.WriteLines(output, running, report);
            return report.IsClean ? Clean : Found;
        }
        catch (StartFailure failure)
        {
            await errors.WriteLineAsync("xapicompat: " + failure.Message);
            return Impossible;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StateVersionException)
        {
            await errors.WriteLineAsync("xapicompat: the state cannot be checked: " + e.Message);
            return Impossible;
        }
    }

    private static async Task<(StoreReport Report, bool Running)> CheckAsync(CheckOptions options, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(options.State);
        if (!File.Exists(Path.Combine(path, "xapi.db")))
            throw new StartFailure("there is no state of a server in " + path);
        using var state = TryOpen(path);
        if (state is not null)
            return (await LookAsync(state, options.Roots, options.Repair, cancellationToken), false);
        if (options.Repair)
            throw new StartFailure("a server runs on " + path + "; nothing is repaired under it");
        return (await LookBesideAsync(StateDirectory.Beside(path), options.Roots, cancellationToken), true);
    }

    private static StateDirectory? TryOpen(string path)
    {
        try
        {
            return StateDirectory.Open(path);
        }
        catch (StartFailure)
        {
            return null;
        }
    }

    /// <summary>Beside a server that changes things meanwhile: what is there at every look is a finding.</summary>
    internal static async Task<StoreReport> LookBesideAsync(StateDirectory state, IReadOnlyList<string> roots, CancellationToken cancellationToken)
    {
        var report = await LookAsync(state, roots, repair: false, cancellationToken);
        for (var look = 1; look < Looks && report.Findings.Any(f => f.Level != FindingLevel.Note); look++)
        {
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            var next = await LookAsync(state, roots, repair: false, cancellationToken);
            var before = report.Findings.ToHashSet();
            report = next with { Findings = [.. next.Findings.Where(before.Contains)] };
        }

        return report;
    }

    private static async Task<StoreReport> LookAsync(StateDirectory state, IReadOnlyList<string> roots, bool repair, CancellationToken cancellationToken)
    {
        var stored = StoredState.Read(state.Database, Model.Load());
        var plugins = StoragePlugins.All(state, new ServerOptions { State = state.Path, SrRoots = roots }, TimeProvider.System);
        return await new StoreCheck(stored, plugins, new PlannedVolumes(state.PlannedVolumes, durable: false)).RunAsync(repair, cancellationToken);
    }
}
