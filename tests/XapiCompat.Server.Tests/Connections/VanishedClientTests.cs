using System.Globalization;
using System.Security.Authentication;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using XapiCompat.Server.Connections;
using Xunit;

namespace XapiCompat.Server.Tests.Connections;

public sealed class VanishedClientTests
{
    private const long Huge = 20_000_000_000;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_download_learns_that_its_client_is_gone(bool tls, bool reset)
    {
        var outcome = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await LayerHost.StartAsync(context => SendAsync(context, outcome));
        await using var client = await host.ConnectAsync(tls);
        await client.SendAsync("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        await client.ReadExactlyAsync(5_000_000);
        if (reset)
            client.Reset();
        else
            client.Close();
        (await outcome.Task.WaitAsync(TimeSpan.FromSeconds(60))).Should().BeLessThan(Huge);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_download_whose_client_has_stopped_reading_learns_that_it_is_gone(bool tls)
    {
        var outcome = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await LayerHost.StartAsync(context => SendAsync(context, outcome));
        await using var client = await host.ConnectAsync(tls);
        await client.SendAsync("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        await client.ReadExactlyAsync(100_000);
        await Task.Delay(300);
        outcome.Task.IsCompleted.Should().BeFalse("the flush is blocked, not failed");
        client.Close();
        (await outcome.Task.WaitAsync(TimeSpan.FromSeconds(60))).Should().BeLessThan(Huge);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_end_of_input_is_a_hint_and_not_the_end_of_the_request(bool tls)
    {
        var hinted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = await LayerHost.StartAsync(async context =>
        {
            var ended = context.Features.Get<IInputEndedFeature>()!.InputEnded;
            ended.UnsafeRegister(_ => hinted.TrySetResult(), null);
            await hinted.Task;
            await context.Response.WriteAsync(context.RequestAborted.IsCancellationRequested.ToString(CultureInfo.InvariantCulture));
        });
        await using var client = await host.ConnectAsync(tls);
        await client.SendAsync("GET / HTTP/1.0\r\n\r\n");
        client.HalfClose();
        (await client.ReadTextAsync()).Should().EndWith("False");
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_whole_close_delimited_body_over_TLS_ends_cleanly_and_a_cut_one_does_not(SslProtocols version)
    {
        await using var host = await LayerHost.StartAsync(async context =>
        {
            await context.Response.BodyWriter.WriteAsync(new byte[100_000]);
            if (context.Request.Path == "/cut")
                context.Abort();
        });
        for (var round = 0; round < 10; round++)
        {
            await using var whole = await RawClient.ConnectAsync(host.TlsPort, tls: true, version);
            await whole.SendAsync("GET /whole HTTP/1.0\r\n\r\n");
            await whole.ReadHeadAsync();
            (await whole.ReadToEndAsync()).Length.Should().Be(100_000);

            await using var cut = await RawClient.ConnectAsync(host.TlsPort, tls: true, version);
            await cut.SendAsync("GET /cut HTTP/1.0\r\n\r\n");
            await cut.Invoking(c => c.ReadToEndAsync()).Should().ThrowAsync<IOException>();
        }
    }

    private static async Task SendAsync(HttpContext context, TaskCompletionSource<long> outcome)
    {
        var output = context.Response.BodyWriter;
        long sent = 0;
        try
        {
            while (sent < Huge)
            {
                var memory = output.GetMemory(256 * 1024);
                output.Advance(memory.Length);
                sent += memory.Length;
                if ((await output.FlushAsync()).IsCompleted)
                    break;
            }
        }
        finally
        {
            outcome.TrySetResult(sent);
        }
    }
}
