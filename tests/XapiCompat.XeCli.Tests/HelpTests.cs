using FluentAssertions;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class HelpTests
{
    private readonly Xe _xe = new() { Credentials = "username=root\npassword=wrong" };

    [Fact]
    public async Task Help_lists_the_common_commands_without_a_login()
    {
        var result = await _xe.RunAsync("help");
        result.Code.Should().Be(0);
        result.Output.Should().StartWith("Usage:").And.Contain("vm-start").And.NotContain("vm-create").And.NotContain("pbd-plug");
        _xe.Api.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task Lists_are_wrapped()
    {
        var lines = (await _xe.RunAsync("help", "--all")).Output.Split('\n').Where(l => l.StartsWith("    ", StringComparison.Ordinal) && l.Contains('-', StringComparison.Ordinal) && !l.Contains('[', StringComparison.Ordinal)).ToList();
        lines.Should().HaveCountGreaterThan(100).And.OnlyContain(l => l.Length <= 76);
    }

    [Fact]
    public async Task All_commands_but_the_hidden_ones_are_names_for_scripts()
    {
        var names = (await _xe.RunAsync("help", "--all", "--minimal")).Output.TrimEnd('\n').Split(',');
        names.Should().BeEquivalentTo(Xe.Tables.Commands.Where(c => !c.Hidden).Select(c => c.Name));
        names.Should().BeInAscendingOrder(StringComparer.Ordinal);
    }

    [Fact]
    public async Task One_command_is_a_record_whose_names_end_in_blanks()
    {
        var lines = (await _xe.RunAsync("help", "vm-start")).Output.Split('\n');
        lines[0].Should().Be("command name            : vm-start");
        lines[1].Should().Be("        reqd params     : ");
        lines[2].Should().Be("        optional params : force, on, paused, <vm-selectors>");
        lines[3].Should().StartWith("        description     : ");
    }

    [Fact]
    public async Task An_unknown_command_is_no_failure() =>
        (await _xe.RunAsync("help", "sing")).Should().Be(new XeResult("Unknown command 'sing'\n", "", 0));

    [Fact]
    public async Task Every_command_says_what_it_is_for()
    {
        foreach (var command in Xe.Tables.Commands)
            (await _xe.RunAsync("help", command.Name)).Output.Should().MatchRegex(@"description     : \S");
    }
}
