using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api;

/// <summary>
/// Documents made to exhaust a server, written by hand to a real socket: refused soon after the limit, and everybody
/// else is served all the while.
/// </summary>
[Collection(Alone.Name)]
public sealed class HostileDocumentTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    private const int Deep = 1_000_000;
    private const long MiB = 1 << 20;
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_million_nested_arrays_in_XML_are_refused() =>
        await RefusedAsync("/", Start("x") + "<param><value>", Repeat("<array><data><value>", Deep));

    [Fact]
    public async Task A_million_nested_structs_in_XML_are_refused() =>
        await RefusedAsync("/", Start("x") + "<param><value>", Repeat("<struct><member><name>a</name><value>", Deep));

    [Fact]
    public async Task A_million_nested_arrays_in_JSON_are_refused() =>
        await RefusedAsync("/jsonrpc", "{\"method\":\"x\",\"id\":1,\"params\":[", Repeat("[", Deep));

    [Fact]
    public async Task A_million_nested_objects_in_JSON_are_refused() =>
        await RefusedAsync("/jsonrpc", "{\"method\":\"x\",\"id\":1,\"params\":[", Repeat("{\"a\":", Deep));

    [Fact]
    public async Task A_million_nested_objects_beside_the_call_are_refused() =>
        await RefusedAsync("/jsonrpc", "{\"method\":\"x\",\"id\":1,\"extra\":", Repeat("{\"a\":", Deep));

    [Fact]
    public async Task A_billion_laughs_are_refused()
    {
        var laughs = new StringBuilder("<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol0 \"lol\">");
        for (var i = 1; i < 10; i++)
            laughs.Append("<!ENTITY lol").Append(i).Append(" \"").Append(string.Concat(Enumerable.Repeat("&lol" + (i - 1) + ";", 10))).Append("\">");
        laughs.Append("]><methodCall><methodName>&lol9;</methodName><params/></methodCall>");
        var answer = await PlainHttp.PostAsync(server.Http, "/", laughs.ToString());
        answer.Status.Should().Be(500);
        answer.Text.Should().NotContain("lol");
        await AliveAsync();
    }

    [Fact]
    public async Task An_external_entity_is_never_read()
    {
        const string call = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><methodCall><methodName>&e;</methodName><params/></methodCall>";
        var answer = await PlainHttp.PostAsync(server.Http, "/", call);
        answer.Status.Should().Be(500);
        answer.Text.Should().NotContain("root:");
    }

    [Fact]
    public async Task An_unknown_entity_is_refused() =>
        (await PlainHttp.PostAsync(server.Http, "/", "<methodCall><methodName>x&unknown;</methodName><params/></methodCall>")).Status.Should().Be(500);

    [Theory]
    [InlineData("/", "VM.get_by_uuid", 2 * MiB)]
    [InlineData("/", "session.login_with_password", MiB)]
    [InlineData("/jsonrpc", "VM.get_by_uuid", 2 * MiB)]
    [InlineData("/jsonrpc", "session.login_with_password", MiB)]
    public async Task A_100_MB_text_before_login_is_cut_off_at_its_limit(string path, string method, long limit)
    {
        var head = path == "/" ? Start(method) + "<param><value>" : "{\"method\":\"" + method + "\",\"id\":1,\"params\":[\"";
        await RefusedAsync(path, head, Repeat("x", 100_000_000), limit);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/jsonrpc")]
    public async Task A_length_beyond_every_limit_is_refused_before_a_byte_of_it(string path)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Port);
        using var cap = new CancellationTokenSource(HangCap);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n<"), cap.Token);
        (await ReadToEndAsync(socket.GetStream(), cap.Token)).Should().StartWith("HTTP/1.1 413 Content Too Large\r\n");
        await AliveAsync();
    }

    [Theory]
    [InlineData("/", "<methodCall><methodName>")]
    [InlineData("/jsonrpc", "{\"method\":\"")]
    public async Task A_100_MB_method_name_is_cut_off(string path, string head) =>
        await RefusedAsync(path, head, Repeat("x", 100_000_000), 2 * MiB);

    [Fact]
    public async Task A_million_values_after_login_are_refused()
    {
        var client = await server.LoginAsync();
        var head = Start("VM.set_tags") + "<param><value>" + client.Session + "</value></param><param><value>OpaqueRef:NULL</value></param><param><value><array><data>";
        await RefusedAsync("/", head, Repeat("<value/>", 4_000_000));
    }

    [Fact]
    public async Task A_large_document_of_a_known_session_is_read()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("large"));
        var text = new string('x', 10_000_000);
        await client.CallAsync("VM.set_name_description", vm, text);
        (await client.TextAsync("VM.get_name_description", vm)).Should().Be(text);
        await client.CallAsync("VM.set_name_description", vm, "");
    }

    /// <summary>Sends a document of <paramref name="unit"/>s, in HTTP chunks, until the server ends the connection.</summary>
    private async Task RefusedAsync(string path, string head, Unit unit, long? atMost = null)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.WorkingSet64;
        var clock = Stopwatch.StartNew();
        using var socket = new TcpClient { SendBufferSize = 64 << 10 };
        await socket.ConnectAsync(IPAddress.Loopback, server.Port);
        using var cap = new CancellationTokenSource(HangCap);
        var stream = socket.GetStream();
        var bytes = Encoding.ASCII.GetBytes(head);
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), cap.Token);
        await stream.WriteAsync(Chunk(bytes), cap.Token);
        var chunk = Chunk(unit.Chunk);
        var answered = new TaskCompletionSource();
        var reading = ReadToEndAsync(stream, cap.Token, answered);
        var sent = 0L;
        try
        {
            // The answer is looked for in the socket, too: its reader may have to wait for a processor while this goes on.
            for (var i = 0; i < unit.Count && !answered.Task.IsCompleted && !socket.Client.Poll(0, SelectMode.SelectRead); i += unit.PerChunk)
            {
                await stream.WriteAsync(chunk, cap.Token);
                sent += unit.Chunk.Length;
            }
        }
        catch (IOException)
        {
            // The server has hung up.
        }

        // Some of the rest is read and thrown away, so that the answer is not lost in a reset: stop sending.
        try
        {
            socket.Client.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has hung up.
        }

        var answer = await reading;
        output.WriteLine($"{sent:N0} bytes sent, answered after {clock.ElapsedMilliseconds} ms: {answer.Split('\r')[0]}");
        if (answer.Length > 0)
            answer.Should().StartWith("HTTP/1.1 500");
        if (atMost is { } limit)
            sent.Should().BeLessThan(limit + (64 << 20), "what lies in socket buffers comes on top, and what is thrown away while the answer is on its way");
        await AliveAsync();
        process.Refresh();
        output.WriteLine($"memory {before >> 20} MiB before, {process.WorkingSet64 >> 20} MiB after");
        (process.WorkingSet64 - before).Should().BeLessThan(256 * MiB);
    }

    private async Task AliveAsync() => (await (await server.LoginAsync()).ListAsync("pool.get_all")).Should().HaveCount(1);

    private static async Task<string> ReadToEndAsync(NetworkStream stream, CancellationToken cancellationToken, TaskCompletionSource? first = null)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                text.Append(Encoding.ASCII.GetString(buffer, 0, read));
                first?.TrySetResult();
            }
        }
        catch (IOException)
        {
            // A reset: bytes of the document were still under way.
        }

        first?.TrySetResult();
        return text.ToString();
    }

    private static byte[] Chunk(byte[] bytes) => [.. Encoding.ASCII.GetBytes(bytes.Length.ToString("x") + "\r\n"), .. bytes, 13, 10];

    private static string Start(string method) => "<?xml version=\"1.0\"?><methodCall><methodName>" + method + "</methodName><params>";

    private static Unit Repeat(string unit, int count)
    {
        var perChunk = Math.Min(count, Math.Max(1, 65536 / unit.Length));
        return new(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(unit, perChunk))), perChunk, count);
    }

    private sealed record Unit(byte[] Chunk, int PerChunk, int Count);
}
