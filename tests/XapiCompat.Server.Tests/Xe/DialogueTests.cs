using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using FluentAssertions;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>The dialogue with a thin client, byte by byte, on every kind of listener.</summary>
public sealed class DialogueTests : IClassFixture<DialogueTests.Server>
{
    private const string Greeting = "58656e536f75726365207468696e20434c492070726f746f636f6c" + "00000000" + "02000000";

    private readonly RunningServer _server;

    public DialogueTests(Server server) => _server = server.Running;

    [Fact]
    public async Task A_command_is_answered_with_exactly_these_bytes()
    {
        await using var client = await RawClient.ConnectAsync(_server.Port, tls: false);
        await client.SendAsync("POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ncontent-length: 12\r\n\r\nhelp\nsing\na");
        await client.SendAsync("b");
        Hex(await client.ReadExactlyAsync(35)).Should().Be(Greeting);
        await client.SendAsync(Convert.FromHexString(Greeting));
        Hex(await client.ReadToEndAsync()).Should().Be(
            Print("Unknown command 'sing'") + Print("Unknown command 'ab'") + "0c000000" + "09000000" + "04000000" + "00000000");
    }

    [Fact]
    public async Task A_question_is_asked_and_answered_with_exactly_these_bytes()
    {
        var disks = await DiskClient.LoginAsync(_server);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("doomed"));
        var uuid = await disks.Api.TextAsync("VM.get_uuid", vm);
        await using var connection = await XeConnection.GreetAsync(_server, "vm-uninstall", "uuid=" + uuid);
        var client = connection.Client;
        var listed = await client.ReadUntilAsync("Type 'yes' to continue");
        listed.Should().Contain("VM : " + uuid + " (doomed)");
        Hex(await client.ReadExactlyAsync(12)).Should().Be("080000000900000003000000");
        await client.SendAsync(Convert.FromHexString("0c0000000b00000007000000" + "02000000" + "6e6f" + "080000000b00000008000000"));
        Hex(await client.ReadToEndAsync()).Should().Be(Print("Aborted (you typed: 'no')") + "0c000000090000000400000000000000");
        (await disks.Api.TextAsync("VM.get_uuid", vm)).Should().Be(uuid);
    }

    [Fact]
    public async Task An_error_of_no_table_travels_as_a_message_of_its_own()
    {
        var vm = await new XeDialogue(_server.Port).RunAsync("vm-list", "--minimal");
        await using var connection = await XeConnection.GreetAsync(_server, "vm-param-get", "uuid=" + vm.Output.TrimEnd('\n').Split(',')[0], "param-name=sing");
        Hex(await connection.Client.ReadToEndAsync()).Should().Be(
            Frame("0e000000" + Text("Missing parameter") + "01000000" + Text("sing")) + "0c000000090000000400000001000000");
    }

    [Theory]
    [InlineData("00000000", "00000000")]
    [InlineData("00000000", "01000000")]
    [InlineData("00000000", "ff000000")]
    public async Task Clients_of_other_minor_versions_are_served(string major, string minor)
    {
        await using var connection = await XeConnection.OpenAsync(_server, "help", "sing");
        await connection.Client.ReadExactlyAsync(35);
        await connection.Client.SendAsync(Convert.FromHexString(Greeting[..^16] + major + minor));
        Hex(await connection.Client.ReadToEndAsync()).Should().EndWith("0c000000090000000400000000000000");
    }

    [Theory]
    [InlineData("01000000")]
    [InlineData("ffffffff")]
    public async Task Clients_of_other_major_versions_are_dropped(string major)
    {
        await using var connection = await XeConnection.OpenAsync(_server, "help", "sing");
        await connection.Client.ReadExactlyAsync(35);
        await connection.Client.SendAsync(Convert.FromHexString(Greeting[..^16] + major + "02000000"));
        (await connection.Client.ReadTextAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("content-length: 204801\r\n", "413")]
    [InlineData("content-length: 4000000000\r\n", "411")]
    [InlineData("content-length: -1\r\n", "411")]
    [InlineData("content-length: x\r\n", "411")]
    [InlineData("", "411")]
    [InlineData("content-length: 4\r\ntransfer-encoding: chunked\r\n", "411")]
    public async Task A_body_without_a_good_length_is_refused(string header, string status)
    {
        await using var client = await RawClient.ConnectAsync(_server.Port, tls: false);
        await client.SendAsync("POST /cli HTTP/1.0\r\n" + header + "\r\nhelp");
        client.HalfClose();
        (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 " + status + " ");
    }

    [Fact]
    public async Task The_longest_body_is_read()
    {
        await using var client = await RawClient.ConnectAsync(_server.Port, tls: false);
        var body = new byte[204_800];
        body.AsSpan().Fill((byte)'a');
        Encoding.ASCII.GetBytes("help\n").CopyTo(body, 0);
        await client.SendAsync(XeConnection.Head(body));
        await client.ReadExactlyAsync(35);
        await client.SendAsync(Convert.FromHexString(Greeting));
        Hex(await client.ReadToEndAsync()).Should().EndWith("0c000000090000000400000000000000");
    }

    [Fact]
    public async Task A_file_is_read_in_pieces_and_heartbeats_do_not_matter()
    {
        var disks = await DiskClient.LoginAsync(_server);
        await using var connection = await XeConnection.GreetAsync(_server, "sr-create", "name-label=x", "type=sing", "device-config:k-filename=some file");
        var client = connection.Client;
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("Load");
        for (var i = 0; i < 3; i++)
            await connection.Frames.WaitAsync(CancellationToken.None);
        await connection.Frames.OkAsync(CancellationToken.None);
        await client.SendAsync(Convert.FromHexString("0c0000000b00000007000000" + "03000000" + "61"));
        await connection.Client.SendAsync("bc");
        await connection.Frames.WaitAsync(CancellationToken.None);
        await connection.Frames.BlobAsync("d", CancellationToken.None);
        var words = "";
        while (await connection.Frames.ReadAsync(CancellationToken.None) is { } frame)
            words += frame.Name + " ";
        words.Should().StartWith("PrintStderr ").And.EndWith("Exit ");
        disks.Should().NotBeNull();
    }

    [Fact]
    public async Task A_file_that_is_too_long_is_refused_before_it_has_come()
    {
        await using var connection = await XeConnection.GreetAsync(_server, "sr-create", "name-label=x", "type=sing", "device-config:k-filename=some file");
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("Load");
        await connection.Frames.OkAsync(CancellationToken.None);
        await connection.Client.SendAsync(Convert.FromHexString("0c0000000b00000007000000" + "01000002"));
        var frame = await connection.Frames.ReadAsync(CancellationToken.None);
        frame!.Name.Should().Be("PrintStderr");
        frame.Texts[0].Should().StartWith("Error: ");
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Number.Should().Be(1);
    }

    [Fact]
    public async Task The_listener_with_TLS_takes_the_ciphers_of_xe()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", _server.Host.Https!.Port);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate?.GetKeyAlgorithm() == "1.2.840.113549.1.1.1");
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls12,
            CipherSuitesPolicy = new([TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]),
        });
        await tls.WriteAsync(XeConnection.Request(["pool-list", "--minimal"]));
        var frames = new XeFrames(tls);
        await frames.GreetAsync(CancellationToken.None);
        (await frames.ReadAsync(CancellationToken.None))!.Texts[0].Should().HaveLength(36);
        (await frames.ReadAsync(CancellationToken.None))!.Number.Should().Be(0);
        (await frames.ReadAsync(CancellationToken.None)).Should().BeNull();
    }

    [Fact]
    public async Task Whoever_may_open_the_local_socket_needs_no_password()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_server.Host.Unix!));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(XeConnection.Head(Encoding.UTF8.GetBytes("pool-list\n--minimal\nusername=root\npassword=null")));
        var frames = new XeFrames(stream);
        await frames.GreetAsync(CancellationToken.None);
        (await frames.ReadAsync(CancellationToken.None))!.Texts[0].Should().HaveLength(36);
        (await frames.ReadAsync(CancellationToken.None))!.Number.Should().Be(0);
    }

    [Fact]
    public async Task Dialogues_beside_each_other_do_not_meet()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => new XeDialogue(_server.Port).RunAsync("help", "name-" + i)));
        outcomes.Select(o => o.Output).Should().Equal(Enumerable.Range(0, 20).Select(i => "Unknown command 'name-" + i + "'\n"));
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static string Print(string text) => Frame("00000000" + Text(text));

    private static string Text(string text) => Hex(XeFrames.Int(Encoding.UTF8.GetByteCount(text))) + Hex(Encoding.UTF8.GetBytes(text));

    private static string Frame(string tagAndFields) => Hex(XeFrames.Int(4 + (tagAndFields.Length / 2))) + "09000000" + tagAndFields;

    public sealed class Server : IAsyncLifetime
    {
        public RunningServer Running { get; private set; } = null!;

        public async Task InitializeAsync() => Running = await RunningServer.CreateAsync(o => o with
        {
            Https = new(System.Net.IPAddress.Loopback, 0),
            Unix = Path.Combine(Path.GetDirectoryName(o.State)!, "xe.sock"),
        });

        public Task DisposeAsync() => Running.DisposeAsync();
    }
}
