using System.Security.Cryptography;
using System.Text;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Tests.Support;
using XapiCompat.Testing;

namespace XapiCompat.Xe.Tests;

/// <summary>Files that travel: Load, HttpGet, HttpPut, and the connected terminal.</summary>
public sealed class TransferTests : IDisposable
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
    [InlineData(3)]
    [InlineData(200_000)]
    public async Task A_file_is_loaded_in_one_chunk(int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        File.WriteAllBytes(_xe.File_("key.pem"), content);
        (await Serve("key-filename=key.pem", peer =>
        {
            peer.Send(new XeMessage.Load("key.pem"));
            peer.Read().Should().Be(new XeMessage.Ok());
            peer.Read().Should().Be(new XeMessage.Chunk(length));
            peer.ReadBytes(length).Should().Equal(content);
            peer.Read().Should().Be(new XeMessage.End());
        })).Should().Be(0);
    }

    [Fact]
    public async Task A_file_that_cannot_be_loaded_is_for_the_server_to_judge()
    {
        (await Serve("filename=missing", peer =>
        {
            peer.Send(new XeMessage.Load("missing"));
            peer.Read().Should().Be(new XeMessage.Failed());
        })).Should().Be(0);
        _xe.Error.Should().BeEmpty();
    }

    [Theory]
    [InlineData("Load")]
    [InlineData("HttpGet")]
    [InlineData("HttpPut")]
    public async Task A_file_that_the_command_line_does_not_name_is_blocked(string kind)
    {
        File.WriteAllText(_xe.File_("other"), "secret");
        XeMessage message = kind switch
        {
            "Load" => new XeMessage.Load("other"),
            "HttpGet" => new XeMessage.HttpGet("other", "/x"),
            _ => new XeMessage.HttpPut("other", "/x"),
        };
        var code = await _xe.Run(["x", "filename=mine", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.AcceptGreeted();
            peer.Send(message);
            peer.ReadToEnd().Should().BeEmpty();
        });
        code.Should().Be(1);
        _xe.Error.Should().StartWith("File not permitted: Blocked upload/download of the file other");
        File.ReadAllText(_xe.File_("other")).Should().Be("secret");
    }

    [Theory]
    [InlineData("filename=./a/../disk.img", "disk.img")]
    [InlineData("filename=disk.img", "{work}/./disk.img")]
    [InlineData("device-config:key-filename=disk.img", "disk.img")]
    public async Task Names_are_compared_as_paths(string argument, string asked)
    {
        File.WriteAllText(_xe.File_("disk.img"), "abc");
        (await Serve(argument, peer =>
        {
            peer.Send(new XeMessage.Load(asked.Replace("{work}", _xe.WorkingDirectory, StringComparison.Ordinal)));
            peer.Read().Should().Be(new XeMessage.Ok());
            peer.Read().Should().Be(new XeMessage.Chunk(3));
            peer.ReadBytes(3);
            peer.Read().Should().Be(new XeMessage.End());
        })).Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(2_000_000)]
    public async Task A_download_becomes_a_new_file_that_only_its_owner_reads(int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        (await Serve("filename=out.vhd", peer =>
        {
            peer.Send(new XeMessage.HttpGet("out.vhd", "/export?a=%20b&c"));
            using (var http = _server.Accept())
            {
                http.ReadRequest().Should().Be("GET /export?a=%20b&c HTTP/1.0\r\n\r\n");
                http.Send("HTTP/1.1 200 OK\r\ntask-id:x\r\n\r\n");
                http.Send(content);
            }

            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
        File.ReadAllBytes(_xe.File_("out.vhd")).Should().Equal(content);
        File.GetUnixFileMode(_xe.File_("out.vhd")).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task A_download_without_a_name_goes_to_standard_output()
    {
        var content = RandomNumberGenerator.GetBytes(100_000);
        (await Serve("filename=", peer =>
        {
            peer.Send(new XeMessage.Print("first"), new XeMessage.HttpGet("", "/x"));
            using (var http = _server.Accept())
            {
                http.ReadRequest();
                http.Send("HTTP/1.0 200 OK\r\n\r\n");
                http.Send(content);
            }

            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
        _xe.OutputBytes.Should().Equal([.. "first\n"u8, .. content]);
    }

    [Fact]
    public async Task A_file_that_exists_is_never_overwritten()
    {
        File.WriteAllText(_xe.File_("out"), "precious");
        var code = await _xe.Run(["x", "filename=out", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.AcceptGreeted();
            peer.Send(new XeMessage.HttpGet("out", "/x"));
            using var http = _server.Accept();
            http.ReadRequest();
            http.Send("HTTP/1.0 200 OK\r\n\r\nnew");
            peer.Read().Should().Be(new XeMessage.Failed());
        });
        code.Should().Be(1);
        _xe.Error.Should().Match("Operation failed. Error: *File exists\n");
        File.ReadAllText(_xe.File_("out")).Should().Be("precious");
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Internal Server Error\r\n\r\n")]
    [InlineData("HTTP/1.1 404 Not Found\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("")]
    public async Task Any_other_answer_is_told_to_the_server_who_knows_why(string answer)
    {
        File.WriteAllText(_xe.File_("f"), "abc");
        foreach (var message in new XeMessage[] { new XeMessage.HttpGet("f", "/x"), new XeMessage.HttpPut("f", "/x") })
        {
            (await Serve("filename=f", peer =>
            {
                peer.Send(message);
                using (var http = _server.Accept())
                {
                    http.ReadRequest();
                    if (answer.Length > 0)
                        http.Send(answer);
                }

                peer.Read().Should().Be(new XeMessage.Failed());
            })).Should().Be(0);
        }

        _xe.Error.Should().BeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(2_000_000)]
    public async Task An_upload_waits_for_the_answer_and_closes_behind_its_last_byte(int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        File.WriteAllBytes(_xe.File_("in.img"), content);
        (await Serve("filename=in.img", peer =>
        {
            peer.Send(new XeMessage.HttpPut("in.img", "/import"));
            using var http = _server.Accept();
            http.ReadRequest().Should().Be($"PUT /import HTTP/1.0\r\nContent-length: {length}\r\n\r\n");
            http.Send("HTTP/1.1 200 OK\r\ncontent-type: x\r\n\r\n");
            http.ReadToEnd().Should().Equal(content);
            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
    }

    [SkippableFact]
    public async Task An_upload_from_a_pipe_has_no_length()
    {
        var pipe = _xe.File_("pipe");
        RequiredTool.Run(RequiredTool.Find("mkfifo"), pipe).ExitCode.Should().Be(0);
        var content = RandomNumberGenerator.GetBytes(300_000);
        var writer = Task.Run(() => File.WriteAllBytes(pipe, content));
        (await Serve("filename=pipe", peer =>
        {
            peer.Send(new XeMessage.HttpPut("pipe", "/import"));
            using var http = _server.Accept();
            http.ReadRequest().Should().Be("PUT /import HTTP/1.0\r\n\r\n");
            http.Send("HTTP/1.1 200 OK\r\n\r\n");
            http.ReadToEnd().Should().Equal(content);
            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
        await writer.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_upload_of_nothing_is_a_failure_of_the_client()
    {
        var code = await _xe.Run(["x", "filename=missing", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.AcceptGreeted();
            peer.Send(new XeMessage.HttpPut("missing", "/x"));
            peer.Read().Should().Be(new XeMessage.Failed());
        });
        code.Should().Be(1);
        _xe.Error.Should().Be("Operation failed. Error: file 'missing' does not exist\n");
    }

    [Fact]
    public async Task An_upload_that_the_server_cuts_is_told_to_the_server()
    {
        File.WriteAllBytes(_xe.File_("big"), new byte[30_000_000]);
        (await Serve("filename=big", peer =>
        {
            peer.Send(new XeMessage.HttpPut("big", "/x"));
            using (var http = _server.Accept())
            {
                http.ReadRequest();
                http.Send("HTTP/1.1 200 OK\r\n\r\n");
                http.ReadBytes(1000);
            }

            peer.Read().Should().Be(new XeMessage.Failed());
        })).Should().Be(0);
    }

    [Fact]
    public async Task A_redirect_to_this_server_is_followed_both_ways()
    {
        File.WriteAllText(_xe.File_("f"), "abc");
        (await Serve("filename=f", peer =>
        {
            peer.Send(new XeMessage.HttpPut("f", "/first"));
            using (var first = _server.Accept())
            {
                first.ReadRequest().Should().StartWith("PUT /first ");
                // The port of a url does not count.
                first.Send("HTTP/1.1 302 Found\r\nLOCATION: https://127.0.0.1:9/second%3Fthird?a=%41\r\n\r\n");
            }

            using var second = _server.Accept();
            second.ReadRequest().Should().StartWith("PUT /second?third?a=A HTTP/1.0\r\n");
            second.Send("HTTP/1.1 200 OK\r\n\r\n");
            second.ReadToEnd().Should().Equal("abc"u8.ToArray());
            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
    }

    [Fact]
    public async Task Redirects_without_end_are_given_up()
    {
        (await Serve("filename=f", peer =>
        {
            peer.Send(new XeMessage.HttpGet("f", "/"));
            for (var i = 0; i <= 10; i++)
            {
                using var http = _server.Accept();
                http.ReadRequest();
                http.Send("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/again\r\n\r\n");
            }

            peer.Read().Should().Be(new XeMessage.Failed());
        })).Should().Be(0);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public async Task A_long_transfer_tells_servers_that_understand_it_that_it_goes_on(int minor)
    {
        _xe.Heartbeat = TimeSpan.FromMilliseconds(50);
        var code = await _xe.Run(["x", "filename=f", "-p", $"{_server.Port}"], () =>
        {
            using var peer = _server.Accept();
            peer.ReadRequest();
            peer.Greet(minor);
            peer.Send(new XeMessage.HttpGet("f", "/"));
            using (var http = _server.Accept())
            {
                http.ReadRequest();
                http.Send("HTTP/1.1 200 OK\r\n\r\n");
                if (minor >= 2)
                    peer.Read().Should().Be(new XeMessage.Wait());
            }

            XeMessage? message;
            while ((message = peer.Read()) is XeMessage.Wait)
                minor.Should().Be(2);
            message.Should().Be(new XeMessage.Ok());
            peer.Send(new XeMessage.Exit(0));
        });
        code.Should().Be(0);
    }

    [Fact]
    public async Task A_connected_terminal_sends_what_is_typed_up_to_its_escape()
    {
        _xe.Input = new MemoryStream(Encoding.UTF8.GetBytes("ls\r\x1dnot this"));
        (await Serve("uuid=1", peer =>
        {
            peer.Send(new XeMessage.HttpConnect("/console?x"));
            using var http = _server.Accept();
            http.ReadRequest().Should().Be("CONNECT /console?x HTTP/1.0\r\ncontent-length: 0\r\n\r\n");
            http.Send("HTTP/1.1 200 OK\r\n\r\nlogin: ");
            http.ReadToEnd().Should().Equal("ls\r"u8.ToArray());
            peer.Read().Should().Be(new XeMessage.Ok());
        })).Should().Be(0);
    }

    [Fact]
    public async Task A_console_that_is_not_there_has_its_own_words()
    {
        (await Serve("uuid=1", peer =>
        {
            peer.Send(new XeMessage.HttpConnect("/console"));
            using var http = _server.Accept();
            http.ReadRequest();
            http.Send("HTTP/1.1 404 Not Found\r\n\r\n");
            peer.Read().Should().Be(new XeMessage.Failed());
        })).Should().Be(0);
        _xe.Error.Should().Be("Server replied with HTTP 404: the console is not available\n");
    }

    private Task<int> Serve(string argument, Action<Peer> play) => _xe.Run(["x", argument, "-p", $"{_server.Port}"], () =>
    {
        using var peer = _server.AcceptGreeted();
        play(peer);
        peer.Send(new XeMessage.Exit(0));
    });
}
