using FluentAssertions;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>What dialogues leave on a server: nothing.</summary>
internal static class Remains
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    public static int Sessions(RunningServer server) => Count(server, "session");

    public static int Tasks(RunningServer server) => Count(server, "task");

    /// <summary>Waits until a dialogue has its session.</summary>
    public static Task SessionAsync(RunningServer server) => UntilAsync(() => Sessions(server) > 0, "a command logs in");

    /// <summary>Waits until every session and task is gone.</summary>
    public static async Task NothingAsync(RunningServer server)
    {
        await UntilAsync(() => Sessions(server) == 0 && Tasks(server) == 0, "sessions and tasks end with their dialogue");
        (await new XeDialogue(server.Port).RunAsync("host-list", "--minimal")).ExitCode.Should().Be(0);
    }

    public static async Task UntilAsync(Func<bool> condition, string because)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (!condition())
        {
            cap.IsCancellationRequested.Should().BeFalse(because);
            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static int Count(RunningServer server, string @class) => server.Host.Records.Current.All(server.Host.Records.Model.Class(@class)).Count();
}
