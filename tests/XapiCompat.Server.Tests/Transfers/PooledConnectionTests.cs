using System.Net;
using FluentAssertions;
using XapiCompat.Server.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>Clients keep connections for their next call: what an answer says of its connection is what happens to it.</summary>
public sealed class PooledConnectionTests
{
    private const int Size = 2 << 20;

    [Theory]
    [InlineData(false, "query")]
    [InlineData(true, "query")]
    [InlineData(false, "path")]
    [InlineData(false, "method")]
    [InlineData(false, "format")]
    public async Task A_refusal_reaches_a_client_that_sends_a_disk_larger_than_any_call(bool tls, string wrong)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        using var http = Client(rig, tls);
        var (method, target, status) = wrong switch
        {
            "query" => ("PUT", $"/import_raw_vdi?session_id=OpaqueRef:unknown&vdi={vdi}", HttpStatusCode.Unauthorized),
            "path" => ("PUT", "/nothing", HttpStatusCode.Forbidden),
            "method" => ("DELETE", "/import_raw_vdi", HttpStatusCode.NotImplemented),
            _ => ("PUT", $"/import_raw_vdi?session_id={rig.Session}&vdi={vdi}&format=tar", HttpStatusCode.NotFound),
        };
        foreach (var chunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(new(method), target) { Content = new ByteArrayContent(new byte[(int)KestrelLimits.MaxRpcBodyBytes + Size]) };
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await http.SendAsync(request);
            answer.StatusCode.Should().Be(status);
            answer.Headers.ConnectionClose.Should().BeTrue();
            (await http.PostAsync("/", new StringContent("next"))).StatusCode.Should().Be(HttpStatusCode.OK);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_call_after_each_kind_of_upload_is_answered(bool tls)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        using var http = Client(rig, tls);
        for (var round = 0; round < 20; round++)
        {
            foreach (var (length, format, withTask) in new[] { (Size, "raw", true), (Size, "raw", false), (Size + 1, "raw", true), (100_000, "vhd", true), (0, "raw", false) })
            {
                var task = withTask ? "&task_id=" + await rig.CreateTaskAsync() : "";
                using var upload = new HttpRequestMessage(HttpMethod.Put, $"/import_raw_vdi?session_id={rig.Session}&vdi={vdi}&format={format}{task}");
                upload.Content = new ByteArrayContent(TestBody.Noise(length, round));
                using (var answer = await http.SendAsync(upload))
                    answer.StatusCode.Should().Be(HttpStatusCode.OK);
                (await http.PostAsync("/", new StringContent("next"))).StatusCode.Should().Be(HttpStatusCode.OK, $"round {round}, {length} bytes of {format}{task}");
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upload_that_fails_by_a_cut_never_said_that_the_connection_ends_there(bool tls)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        await using var client = await rig.ConnectAsync(tls);
        await client.SendAsync($"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi}&format=vhd HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
        (await client.ReadHeadAsync()).Should().StartWith("HTTP/1.1 200 ").And.NotContain("Connection: close", "an end that was announced looks like the end of the answer");
        await client.SendAsync(TestBody.Noise(100_000, 1));
        (await client.ReadTextAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_client_that_waits_for_100_is_told_to_send_before_the_answer_begins(bool tls, bool chunked)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls);
        var length = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {Size}";
        await client.SendAsync($"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi}&task_id={task} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{length}\r\n\r\n");
        (await client.ReadHeadAsync()).Should().Be("HTTP/1.1 100 Continue\r\n\r\n");
        (await client.ReadHeadAsync()).Should().StartWith("HTTP/1.1 200 ");
        var data = TestBody.Noise(Size, 1);
        if (chunked)
            await client.SendAsync($"{Size:x}\r\n");
        await client.SendAsync(data);
        if (chunked)
            await client.SendAsync("\r\n0\r\n\r\n");
        (await client.ReadToEndAsync()).Should().Equal("0\r\n\r\n"u8.ToArray());
        (await rig.TaskAsync(task)).Status.Should().Be("success");
        (await rig.HashAsync(vdi)).Should().Be(TestBody.Hash(data));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_is_refused_is_not_asked_for_its_body(bool known)
    {
        await using var rig = await FileRig.StartAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        var session = known ? rig.Session : "OpaqueRef:unknown";
        await client.SendAsync($"PUT /import_raw_vdi?session_id={session}&vdi=OpaqueRef:unknown HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {Size}\r\n\r\n");
        (await client.ReadHeadAsync()).Should().StartWith(known ? "HTTP/1.1 500 " : "HTTP/1.1 401 ").And.Contain("Connection: close");
    }

    [Theory]
    [InlineData("Content-Length: 5000\r\n", 1 << 20)]
    [InlineData("Content-Length: 5000\r\n", 8 << 20)]
    [InlineData("", 8 << 20)]
    public async Task An_answer_and_its_clean_end_reach_a_client_that_sends_bytes_behind_its_upload(string length, int surplus)
    {
        await using var rig = await FileRig.StartAsync();
        var vdi = await rig.CreateDiskAsync(Size);
        var task = await rig.CreateTaskAsync();
        await using var client = await rig.ConnectAsync(tls: false);
        await client.SendAsync($"PUT /import_raw_vdi?session_id={rig.Session}&vdi={vdi}&task_id={task} HTTP/1.1\r\nHost: x\r\n{length}\r\n");
        await client.SendAsync(TestBody.Noise(5000, 1));
        await client.SendAsync(TestBody.Noise(surplus, 2));
        var head = await UploadForms.ReadAnswerAsync(client);
        head.Should().StartWith(length.Length > 0 ? "HTTP/1.1 200 " : "HTTP/1.1 411 ").And.Contain("Connection: close\r\n");
        (await client.ReadToEndAsync()).Should().BeEmpty("a reset may overtake the answer");
        (await rig.TaskAsync(task)).Status.Should().Be(length.Length > 0 ? "success" : "failure");
    }

    [Fact]
    public async Task An_answer_that_leaves_a_body_unread_ends_its_connection()
    {
        await using var server = await RunningServer.CreateAsync(options => options with { Lab = new() });
        foreach (var (method, target) in new[] { ("OPTIONS", "/"), ("POST", "/lab/tree_show"), ("GET", "/lab/") })
        {
            using var request = new HttpRequestMessage(new(method), target) { Content = new ByteArrayContent(new byte[(int)KestrelLimits.MaxRpcBodyBytes / 2]) };
            using var answer = await server.Http.SendAsync(request);
            answer.Headers.ConnectionClose.Should().BeTrue(target);
        }

        var asked = await PlainHttp.SendAsync(server.Http, HttpMethod.Options, "/jsonrpc");
        asked.Message.Headers.ConnectionClose.Should().NotBe(true, "this one has none");
    }

    private static HttpClient Client(FileRig rig, bool tls)
    {
        var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 1 };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        return new(handler) { BaseAddress = new($"{(tls ? "https" : "http")}://127.0.0.1:{rig.Port(tls)}"), Timeout = TimeSpan.FromSeconds(100) };
    }
}
