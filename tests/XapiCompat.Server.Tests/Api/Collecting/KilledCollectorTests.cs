using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Collecting;

/// <summary>A server that ends when the collector has changed the files and not yet the records.</summary>
public sealed class KilledCollectorTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Theory]
    [InlineData("coalesce_now", 1)]
    [InlineData("coalesce_now", 2)]
    [InlineData("flatten_vdi", 1)]
    public async Task Records_follow_the_files(string function, int number)
    {
        var disks = await DiskClient.LoginAsync(server.Server);
        var vdi = await disks.CreateAsync(4 << 20);
        for (byte value = 1; value < 4; value++)
        {
            await CollectingServer.FillAsync(disks, vdi, value, value * 700);
            await disks.Api.CallAsync("VDI.destroy", await disks.Api.TextAsync("VDI.snapshot", vdi));
        }

        await CollectingServer.FillAsync(disks, vdi, 9);
        var hash = await disks.HashAsync(vdi);
        await using var copy = new RunningServerCopy(server.Server);
        using (var pause = server.Faults.Pause("collect", number))
        {
            var arguments = JsonArguments.Map(("sr", await disks.DefaultSrAsync()), ("vdi", vdi));
            var task = await disks.Api.TextAsync("Async.host.call_plugin", (await disks.Api.ListAsync("host.get_all"))[0], "xapicompat", function, arguments);
            await pause.Reached;
            copy.Take();
            pause.Dispose();
            (await disks.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        }

        await copy.Server.StartAsync();
        var after = await DiskClient.LoginAsync(copy.Server);
        var tree = await CollectingServer.TreeAsync(after);
        tree.Parents.Values.OfType<string>().Except(tree.Parents.Keys).Should().BeEmpty();
        copy.Server.Host.Records.Intents.Should().BeEmpty();
        await after.Api.CallAsync("SR.scan", await after.DefaultSrAsync());
        (await CollectingServer.TreeAsync(after)).Parents.Should().BeEquivalentTo(tree.Parents);
        (await after.HashAsync(vdi)).Should().Be(hash);
        await CollectingServer.CollectAsync(after);
        (await CollectingServer.TreeAsync(after)).IsTidy.Should().BeTrue();
        (await after.HashAsync(vdi)).Should().Be(hash);

        await CollectingServer.CollectAsync(disks);
        (await disks.HashAsync(vdi)).Should().Be(hash);
    }
}
