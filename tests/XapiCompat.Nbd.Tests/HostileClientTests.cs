using System.Net;
using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Nbd.Tests.Support;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Nbd.Tests;

[Collection(Alone.Name)]
public sealed class HostileClientTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Sessions_of_garbage_leave_nothing_behind_and_disturb_nobody()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine("XAPICOMPAT_SEED=" + seed);
        var count = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK")) ? 200 : 2000;
        await using var server = new LoopbackServer();
        server.Device.Fill(1, 0, 1 << 20);
        await using var steady = await server.OpenAsync("fixed");
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await MisbehaveAsync(server.Endpoint, new(seed + i)));
        (await steady.ReadAsync(0, 1 << 20)).AsSpan(1 << 19).SequenceEqual(server.Device.Bytes.AsSpan(1 << 19, 1 << 19)).Should().BeTrue();
        (await steady.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None);
        await steady.DisposeAsync();
        (await server.IsQuietAsync()).Should().BeTrue("{0} sessions and {1} exports are left", server.Sessions, server.Open);
        server.Unexpected.Should().BeEmpty();
    }

    [Fact]
    public async Task A_slow_handshake_is_cut_after_ten_seconds()
    {
        var clock = new StoppedClock();
        await using var server = new LoopbackServer(options: new() { Time = clock });
        await using var silent = await NbdClient.ConnectBareAsync(server.Endpoint);

        // Its time runs from before the greeting.
        await silent.ReceiveAsync(18);
        await using var halfway = await server.ConnectAsync();
        (await halfway.OutcomeAsync(NbdOption.Info, NbdClient.GoData("disk"))).Should().Be(NbdOptionReply.Ack);
        await halfway.SendAsync(NbdClient.UInt32(0x49484156));
        await using var fine = await server.OpenAsync();
        clock.Advance(TimeSpan.FromSeconds(9));
        (await silent.IsClosedAsync(1)).Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(2));
        (await silent.IsClosedAsync()).Should().BeTrue();
        (await halfway.IsClosedAsync()).Should().BeTrue();
        (await fine.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None, "its handshake was over");
        server.Open.Should().Be(1);
    }

    [Fact]
    public async Task Endless_options_end()
    {
        await using var server = new LoopbackServer();
        await using var client = await server.ConnectAsync();
        var sent = 0;
        try
        {
            for (; sent < 10_000; sent++)
                await client.OutcomeAsync(NbdOption.List);
        }
        catch (IOException)
        {
        }

        sent.Should().BeLessThanOrEqualTo(NbdLimits.MostOptions);
        (await server.IsQuietAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Claims_of_huge_lengths_take_no_memory_and_end()
    {
        await using var server = new LoopbackServer();
        await using (var option = await server.ConnectAsync())
        {
            await option.SendAsync(NbdClient.UInt64(NbdMagic.Option), NbdClient.UInt32((uint)NbdOption.Go), NbdClient.UInt32(uint.MaxValue));
            (await option.IsClosedAsync()).Should().BeTrue();
        }

        await using (var write = await server.OpenAsync())
        {
            await write.SendAsync(NbdClient.RequestHead(NbdCommand.Write, 1, 0, (32 << 20) + 1));
            (await write.IsClosedAsync()).Should().BeTrue();
        }

        await using (var huge = await server.OpenAsync())
        {
            // The length is allowed, the place is not: the data is taken away.
            (await huge.WriteAsync(1, new byte[32 << 20])).Should().Be(NbdError.NoSpc);
            (await huge.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None);
        }

        (await server.IsQuietAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Clients_that_vanish_in_the_middle_of_a_message_leave_nothing_behind()
    {
        await using var server = new LoopbackServer();
        server.Device.Fill(1, 0, (int)server.Device.VirtualSize);
        for (var i = 0; i < 40; i++)
        {
            var client = i % 3 == 0 ? await server.ConnectAsync() : await server.OpenAsync();
            var message = NbdClient.RequestHead(i % 2 == 0 ? NbdCommand.Write : NbdCommand.Read, 1, 0, 1 << 20);
            try
            {
                await client.SendAsync(message[..(1 + i * 5 % 28)], i % 5 == 0 ? new byte[300_000] : []);
            }
            catch (IOException)
            {
                // The server went first.
            }

            if (i % 2 == 0)
                client.Vanish();
            else
                await client.DisposeAsync();
        }

        (await server.IsQuietAsync()).Should().BeTrue();
        server.Unexpected.Should().BeEmpty();
    }

    [Fact]
    public async Task A_client_that_does_not_take_its_answers_holds_no_more_than_its_buffers_and_is_dropped_at_the_end()
    {
        var clock = new StoppedClock();
        await using var server = new LoopbackServer(32 << 20, new() { Time = clock });
        server.Device.Fill(1, 0, 32 << 20);
        await using var greedy = await server.OpenAsync();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 40; i++)
            await greedy.RequestAsync(NbdCommand.Read, 0, 32 << 20);
        await using var other = await server.OpenAsync("fixed");
        (await other.ReadAsync(5, 100)).Should().Equal(server.Device.Bytes[5..105]);
        (GC.GetTotalMemory(forceFullCollection: true) - before).Should().BeLessThan(16 << 20);
        await server.StopAsync();
        for (var i = 0; i < 6000 && server.Sessions > 0; i++)
        {
            await Task.Delay(10);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        server.Sessions.Should().Be(0);
        server.Open.Should().Be(0);
    }

    private static async Task MisbehaveAsync(IPEndPoint endpoint, Random random)
    {
        try
        {
            await using var client = await StartAsync(endpoint, random);
            for (var i = random.Next(6); i >= 0; i--)
                await client.SendAsync(Junk(random));
            if (random.Next(2) == 0)
                client.Vanish();
            else if (random.Next(3) == 0)
                await client.IsClosedAsync(1);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
        }
    }

    private static async Task<NbdClient> StartAsync(IPEndPoint endpoint, Random random)
    {
        switch (random.Next(5))
        {
            case 0:
                return await NbdClient.ConnectBareAsync(endpoint);
            case 1:
                return await NbdClient.ConnectAsync(endpoint, (HandshakeFlags)random.Next(8));
            case 2:
                var tls = await NbdClient.ConnectAsync(endpoint);
                await tls.StartTlsAsync();
                return tls;
            default:
                return await NbdClient.OpenAsync(endpoint, random.Next(2) == 0 ? "disk" : "fixed", true, "base:allocation");
        }
    }

    private static byte[] Junk(Random random)
    {
        var noise = new byte[random.Next(2000)];
        random.NextBytes(noise);
        var length = random.Next(3) switch { 0 => (uint)noise.Length, 1 => (uint)random.Next(), _ => (uint)random.Next(5000) };
        return random.Next(4) switch
        {
            0 => noise,
            1 => [.. NbdClient.UInt64(NbdMagic.Option), .. NbdClient.UInt32((uint)random.Next(13)), .. NbdClient.UInt32(length), .. noise],
            2 => NbdClient.RequestHead((NbdCommand)random.Next(10), 7, (ulong)random.NextInt64() >> random.Next(64), length, (CommandFlags)random.Next(40)),
            // The second half of the disk stays as it is.
            _ => [.. NbdClient.RequestHead((NbdCommand)random.Next(2), 7, (ulong)random.Next(1 << 18), (uint)noise.Length), .. noise],
        };
    }
}
