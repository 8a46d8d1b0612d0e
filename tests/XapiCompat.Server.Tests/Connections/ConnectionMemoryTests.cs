using System.Globalization;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using XapiCompat.Server.Connections;
using Xunit;

namespace XapiCompat.Server.Tests.Connections;

/// <summary>Calls of the system bound the rate of uploads: as many as there are pieces.</summary>
public sealed class ConnectionMemoryTests
{
    private const int Size = 512 * 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upload_that_waits_lies_in_a_few_large_pieces(bool tls)
    {
        await using var host = await LayerHost.StartAsync(CountPiecesAsync);
        await using var client = await host.ConnectAsync(tls);
        await client.SendAsync($"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {Size}\r\n\r\n");
        await client.SendAsync(new string('x', Size));
        var answer = await client.ReadTextAsync();
        int.Parse(answer[(answer.LastIndexOf('\n') + 1)..], CultureInfo.InvariantCulture)
            .Should().BeLessThanOrEqualTo(2 * Size / ConnectionMemory.BlockBytes, answer);
    }

    private static async Task CountPiecesAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var result = await reader.ReadAtLeastAsync(Size);
        var pieces = 0;
        foreach (var _ in result.Buffer)
            pieces++;
        reader.AdvanceTo(result.Buffer.End);
        var text = pieces.ToString(CultureInfo.InvariantCulture);
        context.Response.ContentLength = text.Length;
        await context.Response.WriteAsync(text);
    }
}
