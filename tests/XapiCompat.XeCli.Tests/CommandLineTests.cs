using FluentAssertions;
using XapiCompat.XeCli.Arguments;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("vm-list")]
    [InlineData("vm-list a=b", "a:b")]
    [InlineData("vm-list a=b=c=", "a:b=c=")]
    [InlineData("vm-list a", "a:")]
    [InlineData("vm-list a=", "a:")]
    [InlineData("vm-list =b", ":b")]
    [InlineData("vm-list --minimal", "minimal:true")]
    [InlineData("vm-list --a=b", "a=b:true")]
    [InlineData("vm-list --", ":true")]
    [InlineData("vm-list -u me -pw secret -s host -p 80", "username:me", "password:secret", "server:host", "port:80")]
    [InlineData("vm-list -h host", "server:host")]
    [InlineData("vm-list -u -pw", "username:-pw")]
    [InlineData("vm-list other-config:a=b tags:c=", "other-config:a:b", "tags:c:")]
    public void A_command_line_is_a_name_and_pairs(string line, params string[] pairs)
    {
        var parsed = CommandLine.Parse(line.Split(' '));
        parsed.Command.Should().Be("vm-list");
        parsed.Parameters.Pairs.Select(p => p.Key + ":" + p.Value).Should().Equal(pairs);
    }

    [Theory]
    [InlineData("")]
    [InlineData("uuid=x")]
    [InlineData("=")]
    [InlineData("vm-list\n-u")]
    [InlineData("vm-list\n-x\ny")]
    [InlineData("vm-list\n-")]
    public void What_is_no_command_line_is_refused(string lines) =>
        FluentActions.Invoking(() => CommandLine.Parse(lines.Split('\n'))).Should().Throw<XeSyntaxException>();

    [Fact]
    public void No_line_at_all_is_refused() => FluentActions.Invoking(() => CommandLine.Parse([])).Should().Throw<XeSyntaxException>();

    [Fact]
    public void The_first_of_equal_names_counts() =>
        CommandLine.Parse(["c", "a=1", "a=2"]).Parameters.Find("a").Should().Be("1");

    [Fact]
    public void Names_are_compared_with_their_case() => CommandLine.Parse(["c", "A=1"]).Parameters.Find("a").Should().BeNull();

    [Theory]
    [InlineData("vm-list\nuuid=x", null, "vm-list", "uuid=x")]
    [InlineData("vm-list\r\nuuid=x\r\n", null, "vm-list", "uuid=x", "")]
    [InlineData("session_id=OpaqueRef:1\nvm-list", "OpaqueRef:1", "vm-list")]
    [InlineData("vm-list\nsession_id=x", null, "vm-list", "session_id=x")]
    [InlineData("", null, "")]
    public void A_body_is_lines_and_perhaps_a_session(string body, string? session, params string[] arguments)
    {
        var (found, lines) = CommandLine.Split(body);
        found.Should().Be(session);
        lines.Should().Equal(arguments);
    }
}
