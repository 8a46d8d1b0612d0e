using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Nbd.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Nbd.Tests;

public sealed class TlsTests
{
    [Fact]
    public async Task Where_TLS_is_required_nothing_else_is_answered_before()
    {
        await using var server = new LoopbackServer(options: new() { Tls = NbdTlsMode.Required });
        await using var client = await server.ConnectAsync();
        foreach (var option in new[] { NbdOption.Go, NbdOption.Info, NbdOption.List, NbdOption.StructuredReply, NbdOption.ListMetaContext, (NbdOption)99 })
            (await client.OutcomeAsync(option, NbdClient.GoData("disk"))).Should().Be(NbdOptionReply.ErrTlsReqd);
        (await client.OutcomeAsync(NbdOption.StartTls, 1)).Should().Be(NbdOptionReply.ErrInvalid);
        await client.StartTlsAsync();
        (await client.OutcomeAsync(NbdOption.StartTls)).Should().Be(NbdOptionReply.ErrInvalid);
        await client.StructuredAsync();
        await client.GoAsync("disk");
        var data = new byte[3 << 20];
        new Random(5).NextBytes(data);
        (await client.WriteAsync(100_000, data)).Should().Be(NbdError.None);
        (await client.ReadAsync(100_000, data.Length)).Should().Equal(data);
    }

    [Fact]
    public async Task A_client_that_only_names_an_export_is_dropped_where_TLS_is_required()
    {
        await using var server = new LoopbackServer(options: new() { Tls = NbdTlsMode.Required });
        await using var client = await server.ConnectAsync();
        await client.SendOptionAsync(NbdOption.ExportName, "disk"u8.ToArray());
        (await client.IsClosedAsync()).Should().BeTrue();
        server.Open.Should().Be(0);
    }

    [Fact]
    public async Task What_was_agreed_in_the_clear_is_forgotten()
    {
        await using var server = new LoopbackServer();
        await using var client = await server.ConnectAsync();
        await client.StructuredAsync();
        await client.ChooseAsync("disk", "base:allocation");
        await client.StartTlsAsync();
        (await client.OutcomeAsync(NbdOption.ListMetaContext, NbdClient.ContextQuery("disk"))).Should().Be(NbdOptionReply.ErrInvalid);
        await client.GoAsync("disk");
        (await client.ReadAsync(0, 10)).Should().OnlyContain(b => b == 0);
    }

    [Fact]
    public async Task Data_smuggled_in_before_TLS_ends_the_connection()
    {
        await using var server = new LoopbackServer();
        await using var client = await server.ConnectAsync();
        byte[] start = [.. NbdClient.UInt64(NbdMagic.Option), .. NbdClient.UInt32((uint)NbdOption.StartTls), .. NbdClient.UInt32(0)];
        byte[] list = [.. NbdClient.UInt64(NbdMagic.Option), .. NbdClient.UInt32((uint)NbdOption.List), .. NbdClient.UInt32(0)];
        await client.SendAsync(start, list);
        (await client.IsClosedAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Garbage_in_place_of_TLS_ends_the_connection()
    {
        await using var server = new LoopbackServer();
        await using var client = await server.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.StartTls)).Should().Be(NbdOptionReply.Ack);
        await client.SendAsync(new byte[500]);
        (await client.IsClosedAsync()).Should().BeTrue();
        (await server.IsQuietAsync()).Should().BeTrue();
        server.Unexpected.Should().BeEmpty();
    }

    [Fact]
    public async Task Without_a_certificate_TLS_is_refused_and_the_client_may_go_on()
    {
        await using var server = new LoopbackServer();
        server.Options = server.Options with { Certificate = null };
        await using var client = await server.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.StartTls)).Should().Be(NbdOptionReply.ErrPolicy);
        await client.GoAsync("disk");
    }
}
