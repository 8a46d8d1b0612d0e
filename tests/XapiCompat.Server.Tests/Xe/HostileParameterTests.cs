using System.Text.RegularExpressions;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using XapiCompat.XeCli.Tables;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Every fixed command with every parameter that it knows, each of them nonsense: it refuses in words of its own, or does something harmless.</summary>
public sealed partial class HostileParameterTests(RunningServer server) : IClassFixture<RunningServer>
{
    /// <summary>Those would take the test's own rights away, or wait for what never comes.</summary>
    private static readonly HashSet<string> Others = ["user-password-change", "event-wait", "host-disable-external-auth"];

    public static TheoryData<string> Nonsense => ["", "a,b;c:d=e/../..\t\"'<&>", "-9223372036854775808", "\u00e9\u4e16\u754c\ud83d\ude00", new('x', 5000)];

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task No_command_falls_over_nonsense(string value)
    {
        var tables = XeTables.Load(Model.Load());
        var sessions = Remains.Sessions(server);
        foreach (var row in tables.Commands.Where(c => c.Generated is null && !Others.Contains(c.Name)))
        {
            var user = new XeDialogue(server.Port);
            user.Typed.Enqueue("no");
            List<string> line = [row.Name, .. row.Required.Concat(row.Optional).Select(p => (p is [.., ':' or '-'] ? p + "key" : p) + "=" + value)];
            var outcome = await user.RunAsync(line);
            outcome.ExitCode.Should().BeOneOf([0, 1], row.Name);
            Exception().IsMatch(outcome.Error).Should().BeFalse(row.Name + " says " + outcome.Error);
            if (outcome.ExitCode == 1)
                (outcome.Output + outcome.Error).Should().NotBeEmpty(row.Name);
        }

        // A dialogue whose user hung up at a question ends a moment later.
        await Remains.UntilAsync(() => Remains.Sessions(server) == sessions && Remains.Tasks(server) == 0, "sessions and tasks end with their dialogue");
    }

    /// <summary>What an exception that nobody expected looks like to the user.</summary>
    [GeneratedRegex("message: [A-Za-z]+Exception: ")]
    private static partial Regex Exception();
}
