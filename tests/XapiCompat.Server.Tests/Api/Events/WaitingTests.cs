using FluentAssertions;
using XapiCompat.Core.Dispatch;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Events;

/// <summary>Many clients that wait: each is woken by its own changes alone.</summary>
[Collection(Alone.Name)]
public sealed class WaitingTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const int Groups = 10;
    private const int Waiters = 1000;

    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_thousand_waiters_are_woken_by_what_they_wait_for_only()
    {
        var client = await server.LoginAsync();
        var vms = new List<string>();
        for (var i = 0; i < Groups; i++)
            vms.Add(await client.TextAsync("VM.create", Records.Vm("group " + i)));
        var token = await TokenAsync(client);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var waits = Enumerable.Range(0, Waiters).Select(i => FromAsync(client, token, "VM/" + vms[i % Groups])).ToList();
        (GC.GetTotalMemory(forceFullCollection: true) - before).Should().BeLessThan(100 << 20);
        waits.Should().OnlyContain(w => !w.IsCompleted);

        var wakes = server.Host.Api.Events.Wakes;
        for (var round = 0; round < 20; round++)
            await client.CallAsync("network.create", JsonArguments.Map(("name_label", "noise"), ("name_description", ""), ("MTU", 1500), ("other_config", JsonArguments.Map())));
        for (var group = 0; group < Groups; group++)
        {
            await client.CallAsync("VM.set_name_label", vms[group], "woken");
            var woken = await Task.WhenAll(waits.Where((_, i) => i % Groups == group)).WaitAsync(HangCap);
            woken.Should().OnlyContain(a => ((XenArray)a["events"]!).Items.Count == 1);
            waits.Where((w, i) => i % Groups > group && w.IsCompleted).Should().BeEmpty();
        }

        (server.Host.Api.Events.Wakes - wakes).Should().BeInRange(Waiters, Waiters + (Waiters / 10), "nobody is woken for nothing");
    }

    [Fact]
    public async Task Waiters_on_connections_of_their_own_all_hear_of_a_change()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("heard of"));
        var token = await TokenAsync(client);
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 200 };
        using var http = new HttpClient(handler) { BaseAddress = server.Http.BaseAddress, Timeout = HangCap };
        var many = new XenClient(new JsonWire(http), client.Session);
        var waits = Enumerable.Range(0, 200).Select(_ => many.CallAsync("event.from", new[] { "VM/" + vm }, token, 60.0)).ToList();
        await Task.Delay(200);
        waits.Should().OnlyContain(w => !w.IsCompleted);
        await client.CallAsync("VM.set_name_label", vm, "now");
        foreach (var answer in await Task.WhenAll(waits).WaitAsync(HangCap))
            answer["events"]!.AsArray().Should().HaveCount(1);
    }

    private async Task<XenStruct> FromAsync(XenClient client, string token, string subscription)
    {
        var result = await server.Host.Api.Dispatcher.InvokeAsync(
            new("event.from", [client.Session, XenArray.Of([subscription]), token, 600.0]), CallOrigin.Unknown);
        return (XenStruct)(result.Value ?? throw new ApiFailure("event.from", result.Failure!.Description));
    }

    private static async Task<string> TokenAsync(XenClient client) =>
        (await client.CallAsync("event.from", Array.Empty<string>(), "", 0.0))["token"]!.GetValue<string>();
}
