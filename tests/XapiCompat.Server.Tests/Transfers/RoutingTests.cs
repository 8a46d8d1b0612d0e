using FluentAssertions;
using Xunit;

namespace XapiCompat.Server.Tests.Transfers;

public sealed class RoutingTests
{
    [Theory]
    [InlineData("PUT /nothing", 403)]
    [InlineData("CONNECT /console", 403)]
    [InlineData("GET /nothing", 404)]
    [InlineData("GET /import_raw_vdi", 404)]
    [InlineData("DELETE /export_raw_vdi", 501)]
    [InlineData("HEAD /export_raw_vdi", 501)]
    [InlineData("GET /export_raw_vdi", 401)]
    [InlineData("GET /export_raw_vdi/", 401)]
    [InlineData("GET /export_raw_vdi/x/y", 401)]
    [InlineData("PUT /import_raw_vdi/x", 401)]
    [InlineData("POST /any/path", 200)]
    public async Task Method_and_longest_prefix_decide(string request, int status)
    {
        await using var rig = await FileRig.StartAsync();
        var target = request.StartsWith("CONNECT", StringComparison.Ordinal) ? "CONNECT x:1" : request;
        var answer = await Exchange.RunAsync(rig, $"{target} HTTP/1.1\r\nHost: {(target == request ? "x" : "x:1")}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        answer.Status.Should().Be(status);
    }
}
