using FluentAssertions;
using Xunit;
using XapiCompat.Xe.Options;
using XapiCompat.Xe.Tests.Support;

namespace XapiCompat.Xe.Tests;

/// <summary>Where options come from, who wins, and what is left for the server.</summary>
public sealed class OptionTests : IDisposable
{
    private readonly XeProcess _xe = new();

    public void Dispose() => _xe.Dispose();

    [Fact]
    public void Without_options_it_is_root_at_this_machine()
    {
        var options = Read("vm-list");
        options.Should().BeEquivalentTo(new { Server = "127.0.0.1", Port = (int?)null, User = "root", Password = "null", Tls = true, Verify = false, Debug = false, Help = false });
        options.Arguments.Should().Equal("vm-list");
    }

    [Theory]
    [InlineData("-s h -p 81 -u u -pw p --nossl --debug --traceparent t vm-list --minimal")]
    [InlineData("-h h -p 81 vm-list -u u -pw p --minimal --nossl --debug --traceparent t")]
    [InlineData("server=h port=81 username=u password=p nossl=true debug=true traceparent=t vm-list --minimal")]
    public void Both_forms_of_an_option_are_taken_wherever_they_stand(string line)
    {
        var options = Read(line.Split(' '));
        options.Should().BeEquivalentTo(new { Server = "h", Port = (int?)81, User = "u", Password = "p", Tls = false, Debug = true, TraceParent = "t" });
        options.Arguments.Should().Equal("vm-list", "--minimal");
    }

    [Fact]
    public void Parameters_and_switches_of_the_server_stay_as_typed_and_in_order()
    {
        var arguments = new[] { "vm-param-set", "uuid=1", "--force", "other-config:server=x", "name-label=a=b", "-x", "y", "--progress", "name=" };
        Read(arguments).Arguments.Should().Equal(arguments);
    }

    [Fact]
    public void An_option_without_its_value_goes_to_the_server() => Read("vm-list", "-s").Arguments.Should().Equal("vm-list", "-s");

    [Fact]
    public void Verification_is_asked_for_by_a_switch_a_parameter_or_a_file()
    {
        Read("x", "--verify").Verify.Should().BeTrue();
        Read("x", "verify=true").Verify.Should().BeTrue();
        Read("x", "--cacert", "ca.pem").Should().BeEquivalentTo(new { Verify = true, TrustedFile = "ca.pem" });
        Read("x", "cacert=ca.pem").Verify.Should().BeTrue();
        _xe.Variables["XE_EXTRA_ARGS"] = "verify=true";
        Read("x").Verify.Should().BeTrue();
        Read("x", "verify=false").Verify.Should().BeFalse();
    }

    [Fact]
    public void The_command_line_beats_the_variable_which_beats_the_file()
    {
        _xe.Defaults("server=file\nport=1\nusername=file\nparams=all\n\nvm=z\n");
        _xe.Variables["XE_EXTRA_ARGS"] = "server=variable,port=2,--minimal,-u,variable";
        var options = Read("vm-list", "server=line", "uuid=1");
        options.Should().BeEquivalentTo(new { Server = "line", Port = (int?)2, User = "variable" });
        options.Arguments.Should().Equal("vm-list", "uuid=1", "--minimal", "params=all", "vm=z");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("a=1,b=2", "a=1|b=2")]
    [InlineData(@"password=p\,1,x=2", "password=p,1|x=2")]
    [InlineData(@"a\,b\,c", "a,b,c")]
    [InlineData(",,a,,b,", "a|b")]
    [InlineData(@"a\b=\\c,d", "ab=c|d")]
    [InlineData(@"a\", "a")]
    [InlineData("--minimal", "--minimal")]
    public void A_backslash_keeps_a_comma(string text, string items) =>
        string.Join('|', ExtraArguments.Split(text)).Should().Be(items);

    [Fact]
    public void A_file_of_defaults_with_another_line_is_void_and_the_user_is_told()
    {
        _xe.Defaults("server=file\nwhat is this\n");
        Read("vm-list").Server.Should().Be("127.0.0.1");
        _xe.Error.Should().Be("Error parsing rc file. No defaults loaded\n");
    }

    [Fact]
    public void Values_of_the_file_keep_what_stands_behind_the_first_equals_sign()
    {
        _xe.Defaults("password=a=b,c\\d \n");
        Read("vm-list").Password.Should().Be("a=b,c\\d ");
    }

    [Fact]
    public void The_password_file_wins_over_everything()
    {
        File.WriteAllText(_xe.File_("pw"), "admin\nsecret word\nmore\n");
        Read("vm-list", "-u", "x", "-pw", "y", "-pwf", "pw").Should().BeEquivalentTo(new { User = "admin", Password = "secret word" });
        _xe.Defaults($"passwordfile={_xe.File_("pw")}");
        Read("vm-list", "-u", "x").User.Should().Be("admin");
    }

    [Theory]
    [InlineData(null, "Error opening password file 'pw'\n")]
    [InlineData("only", "Error: password file format: *")]
    [InlineData("", "Error: password file format: *")]
    public void A_password_file_that_cannot_be_used_is_an_error(string? content, string message)
    {
        if (content is not null)
            File.WriteAllText(_xe.File_("pw"), content);
        _xe.Run("vm-list", "-pwf", "pw").Should().Be(1);
        _xe.Error.Should().Match(message);
    }

    [Fact]
    public void Tracing_comes_from_the_environment_and_the_command_line_wins()
    {
        _xe.Variables["TRACEPARENT"] = "environment";
        _xe.Variables["BAGGAGE"] = "k=v";
        _xe.Variables["XE_EXTRA_ARGS"] = "traceparent=variable";
        Read("vm-list").Should().BeEquivalentTo(new { TraceParent = "environment", Baggage = "k=v" });
        Read("vm-list", "--traceparent", "line").TraceParent.Should().Be("line");
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("65536")]
    [InlineData("http")]
    [InlineData("")]
    public void A_port_is_a_number_of_sixteen_bits(string port)
    {
        _xe.Run("vm-list", "-p", port).Should().Be(1);
        _xe.Error.Should().StartWith("Port number must be an integer (0-65535)\nUsage: xe ");
    }

    [Fact]
    public void A_truth_value_is_true_or_false()
    {
        _xe.Run("vm-list", "nossl=maybe").Should().Be(1);
        _xe.Error.Should().Be("Error: nossl is true or false, not 'maybe'\n");
    }

    [Theory]
    [InlineData]
    [InlineData("-help")]
    [InlineData("vm-list", "--help")]
    [InlineData("-s", "h", "-u", "x")]
    public void The_usage_is_told_on_standard_error_and_is_no_failure(params string[] arguments)
    {
        _xe.Run(arguments).Should().Be(0);
        _xe.Error.Should().StartWith("Usage: xe <command>").And.Contain("-pwf <file>").And.Contain("--nossl").And.Contain("--verify");
        _xe.Output.Should().BeEmpty();
    }

    [Fact]
    public void The_version_is_that_of_the_protocol()
    {
        _xe.Run("vm-list", "-version").Should().Be(0);
        _xe.Output.Should().Be("ThinCLI protocol: 0.2\n");
        _xe.Error.Should().BeEmpty();
    }

    private XeOptions Read(params string[] arguments) => OptionsReader.Read(arguments, _xe.Surroundings, new Terminal(_xe.Surroundings));
}
