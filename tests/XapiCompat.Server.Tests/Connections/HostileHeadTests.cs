using System.Diagnostics;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using XapiCompat.Server.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Connections;

[Collection(Alone.Name)]
public sealed class HostileHeadTests
{
    /// <summary>Marks what the raw handler took; HTTP never says this.</summary>
    private const string Taken = "RAW";

    [Theory]
    [InlineData("GET / HTT")]
    [InlineData("POST /RPC2 HTTP/1.1\r\nHost: x\r\nConte")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nUser")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\n")]
    [InlineData("POST /cli HTTP/1.0\r\nUser-agent: xe")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5")]
    public async Task A_request_that_is_cut_in_its_head_is_refused_without_burning_a_core(string start)
    {
        await using var host = await StartAsync();
        foreach (var tls in new[] { false, true })
        {
            await using var client = await host.ConnectAsync(tls);
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            await client.SendAsync(start);
            client.HalfClose();
            var answer = await client.ReadTextAsync();
            (answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal)).Should().BeTrue(answer);
            answer.Should().NotContain(Taken);
            var spent = Process.GetCurrentProcess().TotalProcessorTime - before;
            spent.Should().BeLessThan(TimeSpan.FromSeconds(5), "a reader that spins burns a core until the header timeout of 30 s");
        }
    }

    [Theory]
    [InlineData("Content-Length : 5\r\n", "400")]
    [InlineData("X-A: 1\r\n folded\r\n", "400")]
    [InlineData("Content-Length: 5\r\nContent-Length: 5\r\n", "400")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n", "400")]
    [InlineData("Content-Length: -1\r\n", "400")]
    [InlineData("Content-Length: 9223372036854775808\r\n", "400")]
    [InlineData("Transfer-Encoding: identity\r\n", "400")]
    [InlineData("X-A\u0001: 1\r\n", "400")]
    [InlineData("X A: 1\r\n", "400")]
    [InlineData(": 1\r\n", "400")]
    [InlineData("nocolon\r\n", "400")]
    [InlineData("X-A: \u0000\r\n", "400")]
    public async Task An_unclean_length_less_upload_head_goes_to_HTTP_which_refuses_it(string headers, string status)
    {
        await using var host = await StartAsync();
        foreach (var tls in new[] { false, true })
        {
            await using var client = await host.ConnectAsync(tls);
            await client.SendAsync($"PUT /import_raw_vdi?vdi=x HTTP/1.0\r\n{headers}\r\nhello");
            client.HalfClose();
            var answer = await client.ReadTextAsync();
            answer.Should().StartWith("HTTP/1.1 " + status).And.NotContain(Taken);
        }
    }

    [Theory]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\nX-A: 1\n\nhello")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nX-A: 1\n\r\nhello")]
    [InlineData("PUT /import_raw_vdi  HTTP/1.0\r\n\r\nhello")]
    [InlineData("PUT /import_raw_vdi HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("PUT /other HTTP/1.0\r\n\r\nhello")]
    [InlineData("put /import_raw_vdi HTTP/1.0\r\n\r\nhello")]
    [InlineData("POST /clip HTTP/1.0\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("GET /import_raw_vdi HTTP/1.0\r\n\r\n")]
    public async Task Other_requests_never_reach_the_raw_handlers(string request)
    {
        await using var host = await StartAsync();
        await using var client = await host.ConnectAsync(tls: false);
        await client.SendAsync(request);
        client.HalfClose();
        (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 ").And.NotContain(Taken).And.NotContain("501");
    }

    [Fact]
    public async Task Forty_kilobytes_of_head_and_a_hundred_and_one_headers_are_refused_by_HTTP()
    {
        await using var host = await StartAsync();
        var many = string.Concat(Enumerable.Range(0, 101).Select(i => $"X-{i}: 1\r\n"));
        var large = "X-A: " + new string('a', 40_000) + "\r\n";
        foreach (var (headers, status) in new[] { (many, "431"), (large, "431") })
        {
            await using var client = await host.ConnectAsync(tls: false);
            await client.SendAsync($"PUT /import_raw_vdi HTTP/1.0\r\n{headers}\r\n");
            client.HalfClose();
            (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 " + status).And.NotContain(Taken);
        }

        await using var longUrl = await host.ConnectAsync(tls: false);
        await longUrl.SendAsync($"GET /{new string('a', 9000)} HTTP/1.1\r\nHost: x\r\n\r\n");
        (await longUrl.ReadTextAsync()).Should().StartWith("HTTP/1.1 414");
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nX: 1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")]
    public async Task A_second_request_hidden_behind_two_lengths_is_not_served(string bytes)
    {
        var smuggled = 0;
        await using var host = await StartAsync(context => smuggled += context.Request.Path == "/smuggled" ? 1 : 0);
        foreach (var tls in new[] { false, true })
        {
            await using var client = await host.ConnectAsync(tls);
            await client.SendAsync(bytes);
            client.HalfClose();
            await client.ReadTextAsync();
        }

        smuggled.Should().Be(0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("PU")]
    [InlineData("PUT /import_raw_vdi HTTP/1.0\r\nX-A: 1\r\n")]
    [InlineData("POST /cl")]
    public async Task A_connection_that_never_decides_is_ended_by_the_peek_timer(string start)
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var host = await StartAsync(options: new ConnectionLayerOptions { Time = clock });
        foreach (var tls in new[] { false, true })
        {
            await using var client = await host.ConnectAsync(tls);
            if (start.Length > 0)
                await client.SendAsync(start);
            var end = client.ReadTextAsync();
            await clock.PassUntilAsync(end, TimeSpan.FromSeconds(11));
            (await end).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task A_client_that_never_starts_the_handshake_is_ended()
    {
        await using var host = await StartAsync(options: new ConnectionLayerOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(500) });
        await using var client = await RawClient.ConnectAsync(host.TlsPort, tls: false);
        (await client.ReadTextAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_command_line_client_gets_a_clear_refusal_and_the_end(bool tls)
    {
        await using var host = await StartAsync();
        await using var client = await host.ConnectAsync(tls);
        await client.SendAsync("POST /cli HTTP/1.0\r\nUser-agent: xe\r\ncontent-length: 9\r\n\r\nhost-list");
        client.HalfClose();
        (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 501 Not Implemented\r\n");
    }

    private static Task<LayerHost> StartAsync(Action<HttpContext>? seen = null, ConnectionLayerOptions? options = null)
    {
        var raw = new RawRequestHandlers(
            async request =>
            {
                await request.Output.WriteAsync("RAW"u8.ToArray());
                await new InputDrain(request.Input, TimeProvider.System).RunAsync(TimeSpan.FromMilliseconds(200));
            },
            ["/import_raw_vdi"],
            request => CliRefusal.SendAsync(request, "501 Not Implemented", "no dialogue here"));
        return LayerHost.StartAsync(
            async context =>
            {
                seen?.Invoke(context);
                await HalfCloseTests.EchoAsync(context);
            },
            options,
            raw);
    }
}
