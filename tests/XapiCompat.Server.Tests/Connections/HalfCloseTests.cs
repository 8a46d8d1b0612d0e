using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace XapiCompat.Server.Tests.Connections;

public sealed class HalfCloseTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_half_closes_after_its_call_gets_its_answer(bool tls)
    {
        await using var host = await LayerHost.StartAsync(EchoAsync);
        for (var round = 0; round < 50; round++)
        {
            await using var client = await host.ConnectAsync(tls);
            var body = "call " + round;
            await client.SendAsync($"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}");
            client.HalfClose();
            (await client.ReadTextAsync()).Should().StartWith("HTTP/1.1 200 ").And.EndWith(body, $"round {round}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_closed_client_gets_an_answer_that_takes_time(bool tls)
    {
        await using var host = await LayerHost.StartAsync(async context =>
        {
            await Task.Delay(150);
            await EchoAsync(context);
        });
        for (var round = 0; round < 5; round++)
        {
            await using var client = await host.ConnectAsync(tls);
            await client.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow");
            client.HalfClose();
            (await client.ReadTextAsync()).Should().EndWith("slow");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_closed_client_gets_a_large_download(bool tls)
    {
        const int Size = 20_000_000;
        await using var host = await LayerHost.StartAsync(async context =>
        {
            context.Response.ContentLength = Size;
            var block = new byte[100_000];
            for (var sent = 0; sent < Size; sent += block.Length)
                await context.Response.BodyWriter.WriteAsync(block);
        });
        for (var round = 0; round < 3; round++)
        {
            await using var client = await host.ConnectAsync(tls);
            await client.SendAsync("GET /big HTTP/1.0\r\n\r\n");
            client.HalfClose();
            await client.ReadHeadAsync();
            (await client.ReadToEndAsync()).Length.Should().Be(Size);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pipelined_requests_of_a_client_that_closes_its_side_are_all_answered(bool tls)
    {
        await using var host = await LayerHost.StartAsync(EchoAsync);
        await using var client = await host.ConnectAsync(tls);
        for (var i = 0; i < 5; i++)
            await client.SendAsync($"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nbody {i}");
        client.HalfClose();
        var text = await client.ReadTextAsync();
        for (var i = 0; i < 5; i++)
            text.Should().Contain($"body {i}");
    }

    internal static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body.ToArray());
    }
}
