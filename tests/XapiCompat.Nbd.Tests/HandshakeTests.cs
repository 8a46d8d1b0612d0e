using System.Buffers.Binary;
using System.Text;
using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Nbd.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Nbd.Tests;

public sealed class HandshakeTests : IAsyncDisposable
{
    private readonly LoopbackServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(HandshakeFlags.FixedNewstyle, true)]
    [InlineData(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes, false)]
    [InlineData(HandshakeFlags.None, true)]
    public async Task An_export_is_opened_by_its_name_alone(HandshakeFlags flags, bool zeroes)
    {
        _server.Device.Fill(1, 0, 1000);
        await using var client = await NbdClient.ConnectAsync(_server.Endpoint, flags);
        await client.ExportNameAsync("disk", zeroes);
        client.Size.Should().Be(_server.Device.VirtualSize);
        (await client.ReadAsync(3, 900)).Should().Equal(_server.Device.Bytes[3..903]);
    }

    [Fact]
    public async Task Go_tells_what_was_asked()
    {
        await using var client = await _server.ConnectAsync();
        var told = await client.GoAsync("disk", NbdInfo.Name, NbdInfo.Description, NbdInfo.BlockSize);
        client.Size.Should().Be(_server.Device.VirtualSize);
        client.Flags.Should().Be(TransmissionFlags.HasFlags | TransmissionFlags.SendFlush | TransmissionFlags.SendFua | TransmissionFlags.SendTrim | TransmissionFlags.SendWriteZeroes
            | TransmissionFlags.SendDf | TransmissionFlags.CanMultiConn | TransmissionFlags.SendCache | TransmissionFlags.SendFastZero);
        Encoding.UTF8.GetString(told[NbdInfo.Name]).Should().Be("disk");
        Encoding.UTF8.GetString(told[NbdInfo.Description]).Should().Be("a disk");
        var sizes = told[NbdInfo.BlockSize];
        BinaryPrimitives.ReadUInt32BigEndian(sizes).Should().Be(1);
        BinaryPrimitives.ReadUInt32BigEndian(sizes.AsSpan(8)).Should().Be(32 << 20);
    }

    [Fact]
    public async Task A_fixed_export_says_that_it_is_read_only()
    {
        await using var client = await _server.OpenAsync("fixed");
        client.Flags.Should().HaveFlag(TransmissionFlags.ReadOnly).And.HaveFlag(TransmissionFlags.CanMultiConn)
            .And.NotHaveFlag(TransmissionFlags.SendTrim).And.NotHaveFlag(TransmissionFlags.SendWriteZeroes);
    }

    [Fact]
    public async Task Info_leaves_the_client_in_the_handshake()
    {
        await using var client = await _server.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.Info, NbdClient.GoData("fixed"))).Should().Be(NbdOptionReply.Ack);
        (await client.OutcomeAsync(NbdOption.Info, NbdClient.GoData("nobody"))).Should().Be(NbdOptionReply.ErrUnknown);
        await client.GoAsync("disk");
        (await client.WriteAsync(0, [1, 2, 3])).Should().Be(NbdError.None);
    }

    [Fact]
    public async Task Exports_are_listed()
    {
        await using var client = await _server.ConnectAsync();
        var replies = await client.OptionAsync(NbdOption.List);
        replies.Select(r => r.Reply).Should().Equal(NbdOptionReply.Server, NbdOptionReply.Server, NbdOptionReply.Ack);
        replies[0].Data.Should().Equal([.. NbdClient.String("disk"), .. Encoding.UTF8.GetBytes("a disk")]);
        (await client.OutcomeAsync(NbdOption.List, 1)).Should().Be(NbdOptionReply.ErrInvalid);
    }

    [Fact]
    public async Task Abort_is_acknowledged_and_ends_the_connection()
    {
        await using var client = await _server.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.Abort)).Should().Be(NbdOptionReply.Ack);
        (await client.IsClosedAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Options_that_nobody_knows_are_unsupported_and_change_nothing()
    {
        await using var client = await _server.ConnectAsync();
        foreach (var option in new uint[] { 0, 4, 11, 99, uint.MaxValue })
            (await client.OutcomeAsync((NbdOption)option, 1, 2, 3)).Should().Be(NbdOptionReply.ErrUnsup);
        await client.GoAsync("disk");
    }

    [Fact]
    public async Task Data_of_an_option_that_does_not_add_up_is_invalid()
    {
        await using var client = await _server.ConnectAsync();
        await client.StructuredAsync();
        byte[][] bad =
        [
            [],
            [0, 0, 0],
            [0, 0, 0, 5, 1],
            [.. NbdClient.String("disk"), 0],
            [.. NbdClient.String("disk"), 0, 1],
            [.. NbdClient.String("disk"), 0, 0, 7],
            [.. NbdClient.UInt32(2), 0xC0, 0x20, 0, 0],
        ];
        foreach (var data in bad)
        {
            (await client.OutcomeAsync(NbdOption.Go, data)).Should().Be(NbdOptionReply.ErrInvalid);
            (await client.OutcomeAsync(NbdOption.SetMetaContext, data)).Should().Be(NbdOptionReply.ErrInvalid);
        }

        (await client.OutcomeAsync(NbdOption.StructuredReply, 0)).Should().Be(NbdOptionReply.ErrInvalid);
        (await client.OutcomeAsync(NbdOption.Go, NbdClient.UInt32(5000))).Should().Be(NbdOptionReply.ErrTooBig);
        (await client.OutcomeAsync(NbdOption.Go, new byte[100_000])).Should().Be(NbdOptionReply.ErrTooBig);
        await client.GoAsync("disk");
    }

    [Fact]
    public async Task An_unknown_name_without_a_way_to_say_no_ends_the_connection()
    {
        await using var client = await _server.ConnectAsync();
        await client.SendOptionAsync(NbdOption.ExportName, Encoding.UTF8.GetBytes("nobody"));
        (await client.IsClosedAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Contexts_are_listed_by_namespace_and_chosen_by_name()
    {
        await using var client = await _server.ConnectAsync();
        (await client.OutcomeAsync(NbdOption.SetMetaContext, NbdClient.ContextQuery("disk", "base:allocation"))).Should().Be(NbdOptionReply.ErrInvalid, "structured replies come first");
        await client.StructuredAsync();
        (await client.ListContextsAsync("disk")).Should().Equal("base:allocation", "qemu:dirty-bitmap:changes", "qemu:dirty-bitmap:gone");
        (await client.ListContextsAsync("disk", "base:")).Should().Equal("base:allocation");
        (await client.ListContextsAsync("disk", "qemu:dirty-bitmap:")).Should().Equal("qemu:dirty-bitmap:changes", "qemu:dirty-bitmap:gone");
        (await client.ListContextsAsync("disk", "other:", "base")).Should().BeEmpty();
        (await client.ChooseAsync("disk", "base:", "other:thing")).Should().BeEmpty();
        (await client.ChooseAsync("disk", "qemu:dirty-bitmap:changes", "base:allocation", "qemu:dirty-bitmap:gone", "base:allocation"))
            .Should().Equal("qemu:dirty-bitmap:changes", "base:allocation");
        (await client.OutcomeAsync(NbdOption.SetMetaContext, NbdClient.ContextQuery("nobody", "base:allocation"))).Should().Be(NbdOptionReply.ErrUnknown);
    }

    [Fact]
    public async Task Contexts_hold_for_the_export_they_were_chosen_for()
    {
        await using var client = await _server.ConnectAsync();
        await client.StructuredAsync();
        await client.ChooseAsync("fixed", "base:allocation");
        await client.GoAsync("disk");
        await client.Invoking(c => c.StatusAsync(0, 4096)).Should().ThrowAsync<NbdFailure>().WithMessage("Inval");
    }

    [Fact]
    public async Task The_export_that_was_looked_at_is_closed_when_another_is_opened()
    {
        await using (var client = await _server.ConnectAsync())
        {
            for (var i = 0; i < 10; i++)
            {
                await client.OutcomeAsync(NbdOption.Info, NbdClient.GoData("disk"));
                await client.OutcomeAsync(NbdOption.Info, NbdClient.GoData("fixed"));
            }

            _server.Open.Should().Be(1);
        }

        (await _server.IsQuietAsync()).Should().BeTrue();
    }
}
