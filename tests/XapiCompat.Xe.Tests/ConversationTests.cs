using System.Text;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Tests.Support;

namespace XapiCompat.Xe.Tests;

/// <summary>What the client does at each message of a server, and at what is none.</summary>
public sealed class ConversationTests : IDisposable
{
    private readonly XeProcess _xe = new();
    private readonly ScriptedServer _server = new();

    public void Dispose()
    {
        _server.Dispose();
        _xe.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(255)]
    public async Task The_exit_status_is_the_servers(int code) => (await Serve(peer => peer.Send(new XeMessage.Exit(code)))).Should().Be(code);

    [Fact]
    public async Task Text_goes_where_it_belongs_in_its_order()
    {
        (await Serve(peer => peer.Send(
            new XeMessage.Print("one é"), new XeMessage.PrintStderr("half"), new XeMessage.PrintStderr(" line\n"), new XeMessage.Debug("not shown"),
            new XeMessage.Print(""), new XeMessage.Error("CODE", ["a", "b c"]), new XeMessage.Error("NONE", []), new XeMessage.Exit(1)))).Should().Be(1);
        _xe.Output.Should().Be("one é\n\n");
        _xe.Error.Should().Be("half line\nError code: CODE\nError parameters: a, b c\nError code: NONE\nError parameters: \n");
    }

    [Fact]
    public async Task Much_output_arrives_whole()
    {
        var lines = Enumerable.Range(0, 5000).Select(i => $"record {i} {new string('x', i % 300)}").ToArray();
        await Serve(peer =>
        {
            foreach (var line in lines)
                peer.Send(new XeMessage.Print(line));
            peer.Send(new XeMessage.Print(new string('y', 3_000_000)), new XeMessage.Exit(0));
        });
        _xe.Output.Should().Be(string.Join('\n', lines) + "\n" + new string('y', 3_000_000) + "\n");
    }

    [Fact]
    public async Task What_was_printed_is_seen_while_the_server_thinks()
    {
        await Serve(peer =>
        {
            peer.Send(new XeMessage.Print("at once"));
            SpinWait.SpinUntil(() => _xe.OutputBytes.Length > 0, TimeSpan.FromSeconds(60)).Should().BeTrue();
            peer.Send(new XeMessage.Exit(0));
        });
    }

    [Fact]
    public async Task A_prompt_sends_one_line_of_standard_input()
    {
        _xe.Input = new MemoryStream(Encoding.UTF8.GetBytes("yés\r\n\nlast"));
        (await Serve(peer =>
        {
            foreach (var answer in new[] { "yés\r", "", "last" })
            {
                peer.Send(new XeMessage.Prompt());
                var bytes = Encoding.UTF8.GetBytes(answer);
                peer.Read().Should().Be(new XeMessage.Chunk(bytes.Length));
                peer.ReadBytes(bytes.Length).Should().Equal(bytes);
                peer.Read().Should().Be(new XeMessage.End());
            }

            peer.Send(new XeMessage.Exit(0));
        })).Should().Be(0);
    }

    [Fact]
    public async Task A_prompt_at_the_end_of_standard_input_ends_the_run()
    {
        (await Serve(peer =>
        {
            peer.Send(new XeMessage.Print("Type yes"), new XeMessage.Prompt());
            peer.Read().Should().BeNull();
        })).Should().Be(1);
        _xe.Error.Should().Be("Lost connection to the server.\n");
        _xe.Output.Should().Be("Type yes\n");
    }

    [Theory]
    [InlineData("", "Unable to contact server. Please check server and port settings.\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "Server internal error.\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "Failed to contact a running management agent.\n*Usage:*")]
    [InlineData("XenSource thin CLI", "Lost connection to the server.\n")]
    [InlineData("XenSource thin CLI protocol\x01\0\0\0\0\0\0\0", "Protocol version mismatch: Server has protocol version 1.0. Client has 0.2.\n*Usage:*")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0", "Lost connection to the server.\n")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0\x0c\0\0\0\x09\0", "Lost connection to the server.\n")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0\xff\xff\xff\x7f", "Error: the server does not keep to the protocol: *")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0\xff\xff\xff\xff", "Error: the server does not keep to the protocol: *")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0\x08\0\0\0\x09\0\0\0\x63\0\0\0", "Error: the server does not keep to the protocol: *")]
    [InlineData("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0\x08\0\0\0\x0a\0\0\0\x05\0\0\0", "Unexpected message from server: *")]
    public async Task A_server_that_says_something_else_is_an_error(string bytes, string message)
    {
        var code = await _xe.Run(["vm-list", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.Accept();
            peer.ReadRequest();
            if (bytes.Length > 0)
                peer.Send(bytes);
        });
        code.Should().Be(1);
        _xe.Error.Should().Match(message);
        _xe.Output.Should().BeEmpty();
    }

    [Fact]
    public void A_server_that_is_not_there_is_an_error()
    {
        var port = _server.Port;
        _server.Dispose();
        _xe.Run("vm-list", "-p", $"{port}").Should().Be(1);
        _xe.Error.Should().Be($"Error: 127.0.0.1 port {port}: Connection refused\n");
    }

    [Fact]
    public void A_server_that_is_not_there_over_tls_is_an_error()
    {
        var port = _server.Port;
        _server.Dispose();
        _xe.Run("vm-list", "-s", "127.0.0.2", "-p", $"{port}").Should().Be(1);
        _xe.Error.Should().StartWith("Unable to contact server. Please check server and port settings.\n");
    }

    [Fact]
    public void A_name_without_an_address_is_an_error()
    {
        _xe.Run("vm-list", "-s", "no such host", "--nossl").Should().Be(1);
        _xe.Error.Should().Be("Host 'no such host' not found.\n");
    }

    [Fact]
    public async Task A_server_that_vanishes_after_output_leaves_the_output()
    {
        (await Serve(peer => peer.Send(new XeMessage.Print("half")))).Should().Be(1);
        _xe.Output.Should().Be("half\n");
        _xe.Error.Should().Be("Lost connection to the server.\n");
    }

    [Fact]
    public async Task A_server_that_exits_without_reading_is_believed()
    {
        (await _xe.Run(["vm-list", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.Accept();
            peer.Send("XenSource thin CLI protocol\0\0\0\0\x02\0\0\0");
            peer.Send(new XeMessage.Exit(4));
            peer.ReadRequest();
        })).Should().Be(4);
    }

    [Fact]
    public async Task Debug_tells_everything_at_once_and_no_password()
    {
        await Serve(peer => peer.Send(new XeMessage.Debug("from there"), new XeMessage.Exit(0)), "--debug", "-pw", "secret");
        _xe.Error.Should().Contain("Connecting to [127.0.0.1]").And.Contain("Server has protocol version 0.2").And.Contain("from there")
            .And.Contain("Exit").And.NotContain("secret");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Debug_on_fail_tells_it_at_the_end_of_a_failure_only(int code)
    {
        await Serve(peer => peer.Send(new XeMessage.Debug("from there"), new XeMessage.PrintStderr("oops\n"), new XeMessage.Exit(code)), "--debug-on-fail");
        if (code == 0)
            _xe.Error.Should().Be("oops\n");
        else
            _xe.Error.Should().StartWith("oops\n\nDebug info:\n\n").And.Contain("from there");
    }

    [Fact]
    public async Task The_local_socket_is_tried_first_and_only_for_this_machine()
    {
        _xe.LocalSocket = _xe.File_("xapi");
        using (var local = new ScriptedServer(_xe.LocalSocket))
        {
            var code = await _xe.Run(["vm-list", "-p", "1"], () =>
            {
                using var peer = local.AcceptGreeted(out var request);
                request.Should().EndWith("vm-list\nusername=root\npassword=null");
                peer.Send(new XeMessage.Exit(9));
            });
            code.Should().Be(9);
            _xe.Run("vm-list", "-p", "1", "-s", "localhost", "--nossl").Should().Be(1);
        }

        File.WriteAllText(_xe.LocalSocket, "no socket");
        (await Serve(peer => peer.Send(new XeMessage.Exit(0)))).Should().Be(0);
    }

    /// <summary>A run whose server greets, does as told, and ends.</summary>
    private Task<int> Serve(Action<Peer> play, params string[] more) => _xe.Run(["vm-list", "-p", $"{_server.Port}", .. more], () =>
    {
        using var peer = _server.AcceptGreeted();
        play(peer);
    });
}
