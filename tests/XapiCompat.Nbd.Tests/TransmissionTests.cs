using FluentAssertions;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Nbd.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Nbd.Tests;

public sealed class TransmissionTests : IAsyncDisposable
{
    private readonly LoopbackServer _server = new();

    private MemoryDevice Device => _server.Device;

    private uint Size => (uint)Device.VirtualSize;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(true, CommandFlags.None)]
    [InlineData(true, CommandFlags.DontFragment)]
    [InlineData(false, CommandFlags.None)]
    public async Task Every_range_reads_as_it_is(bool structured, CommandFlags flags)
    {
        for (var i = 0; i < 40; i++)
            Device.Fill(i, i * 200_000, 1 + (i * 3331 % 190_000));
        await using var client = await _server.OpenAsync("fixed", structured);
        (await client.ReadAsync(0, (int)Size, flags)).Should().Equal(Device.Bytes);
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var offset = random.Next((int)Size);
            var length = 1 + random.Next(Math.Min((int)Size - offset, i % 2 == 0 ? 5_000 : 700_000));
            (await client.ReadAsync(offset, length, flags)).AsSpan().SequenceEqual(Device.Bytes.AsSpan(offset, length)).Should().BeTrue("{0}+{1}", offset, length);
        }
    }

    [Fact]
    public async Task Holes_are_told_not_sent()
    {
        Device.Fill(1, MemoryDevice.Block, 10);
        await using var client = await _server.OpenAsync();
        await client.RequestAsync(NbdCommand.Read, 0, 4 * MemoryDevice.Block);
        var types = new List<ChunkType?>();
        while (true)
        {
            var message = await client.ReceiveMessageAsync();
            types.Add(message.Type);
            if (message.Done)
                break;
        }

        types.Should().Equal(ChunkType.OffsetHole, ChunkType.OffsetData, ChunkType.OffsetHole);
    }

    [Fact]
    public async Task A_read_that_must_not_be_split_comes_in_one_chunk()
    {
        Device.Fill(1, 0, 1 << 20);
        await using var client = await _server.OpenAsync();
        await client.RequestAsync(NbdCommand.Read, 5, 3 << 20, CommandFlags.DontFragment);
        var message = await client.ReceiveMessageAsync();
        message.Done.Should().BeTrue();
        message.Data.AsSpan(8).SequenceEqual(Device.Bytes.AsSpan(5, 3 << 20)).Should().BeTrue();
    }

    [Fact]
    public async Task Writes_of_any_size_arrive()
    {
        await using var client = await _server.OpenAsync();
        var random = new Random(3);
        var model = new byte[Size];
        foreach (var length in new[] { 1, 511, 4096, 65_537, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 512 << 10, 2_000_000 })
        {
            var data = new byte[length];
            random.NextBytes(data);
            var offset = random.Next((int)Size - length);
            data.CopyTo(model, offset);
            (await client.WriteAsync(offset, data, length % 2 == 0 ? CommandFlags.Fua : CommandFlags.None)).Should().Be(NbdError.None);
        }

        Device.Bytes.Should().Equal(model);
        Device.Flushes.Should().Be(4, "writes that were to be durable are flushed");
    }

    [Fact]
    public async Task Zeroes_trims_flushes_and_caches()
    {
        Device.Fill(1, 0, (int)Size);
        await using var client = await _server.OpenAsync(contexts: "base:allocation");
        (await client.DoAsync(NbdCommand.WriteZeroes, 10, 100)).Should().Be(NbdError.None);
        Device.Bytes.AsSpan(10, 100).ContainsAnyExcept((byte)0).Should().BeFalse();
        (await client.DoAsync(NbdCommand.Trim, 0, MemoryDevice.Block)).Should().Be(NbdError.None);
        (await client.StatusAsync(0, 2 * MemoryDevice.Block))["base:allocation"].Should().Equal((MemoryDevice.Block, 3), (MemoryDevice.Block, 0));
        (await client.DoAsync(NbdCommand.WriteZeroes, 0, MemoryDevice.Block, CommandFlags.NoHole | CommandFlags.Fua)).Should().Be(NbdError.None);
        (await client.StatusAsync(0, MemoryDevice.Block))["base:allocation"].Should().Equal((MemoryDevice.Block, 0));
        Device.Flushes.Should().Be(1);
        (await client.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None);
        Device.Flushes.Should().Be(2);
        (await client.DoAsync(NbdCommand.Cache, 0, Size)).Should().Be(NbdError.None);
    }

    [Fact]
    public async Task Zeroing_is_fast_only_where_nothing_is_stored()
    {
        Device.Fill(1, 0, 100);
        await using var client = await _server.OpenAsync();
        (await client.DoAsync(NbdCommand.WriteZeroes, 0, 4096, CommandFlags.FastZero)).Should().Be(NbdError.NotSup);
        (await client.DoAsync(NbdCommand.WriteZeroes, MemoryDevice.Block, 4096, CommandFlags.FastZero)).Should().Be(NbdError.None);
        (await client.DoAsync(NbdCommand.WriteZeroes, MemoryDevice.Block, 4096, CommandFlags.FastZero | CommandFlags.NoHole)).Should().Be(NbdError.NotSup);
        Device.Bytes[0].Should().NotBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_that_cannot_be_met_are_answered_and_the_connection_goes_on(bool structured)
    {
        await using var client = await _server.OpenAsync(structured: structured);
        (NbdCommand Command, long Offset, uint Length, CommandFlags Flags, NbdError Error)[] bad =
        [
            (NbdCommand.Read, Size - 1, 2, 0, NbdError.Inval),
            (NbdCommand.Read, -1, 1, 0, NbdError.Inval),
            (NbdCommand.Read, long.MinValue, 1, 0, NbdError.Inval),
            (NbdCommand.Read, 0, 0, 0, NbdError.Inval),
            (NbdCommand.Read, 0, (32 << 20) + 1, 0, NbdError.Inval),
            (NbdCommand.Read, 0, uint.MaxValue, 0, NbdError.Inval),
            (NbdCommand.Read, 0, 1, CommandFlags.NoHole, NbdError.Inval),
            (NbdCommand.Trim, Size, 1, 0, NbdError.Inval),
            (NbdCommand.Trim, 0, uint.MaxValue, 0, NbdError.Inval),
            (NbdCommand.WriteZeroes, 1, Size, 0, NbdError.NoSpc),
            (NbdCommand.WriteZeroes, 0, 1, CommandFlags.DontFragment, NbdError.Inval),
            (NbdCommand.Cache, Size + 1L, 1, 0, NbdError.Inval),
            (NbdCommand.BlockStatus, 0, 1, 0, NbdError.Inval),
            ((NbdCommand)8, 0, 1, 0, NbdError.Inval),
            ((NbdCommand)0xffff, 0, 1, 0, NbdError.Inval),
        ];
        foreach (var (command, offset, length, flags, error) in bad)
            (await client.DoAsync(command, offset, length, flags)).Should().Be(error, "{0} {1}+{2} {3}", command, offset, length, flags);
        (await client.WriteAsync(Size - 1, [1, 2])).Should().Be(NbdError.NoSpc);
        (await client.WriteAsync(0, [1, 2], CommandFlags.ReqOne)).Should().Be(NbdError.Inval);
        if (!structured)
            (await client.DoAsync(NbdCommand.Read, 0, 1, CommandFlags.DontFragment)).Should().Be(NbdError.Inval);
        (await client.ReadAsync(Size - 2, 2)).Should().Equal(0, 0);
    }

    [Fact]
    public async Task A_read_only_export_refuses_to_change_and_takes_the_data_away()
    {
        await using var client = await _server.OpenAsync("fixed");
        (await client.WriteAsync(0, new byte[600_000])).Should().Be(NbdError.Perm);
        (await client.DoAsync(NbdCommand.Trim, 0, 10)).Should().Be(NbdError.Perm);
        (await client.DoAsync(NbdCommand.WriteZeroes, 0, 10)).Should().Be(NbdError.Perm);
        (await client.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.None);
        (await client.ReadAsync(0, 2)).Should().Equal(0, 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Errors_of_the_device_reach_the_client(bool structured)
    {
        Device.Fill(1, 0, 2 << 20);
        await using var client = await _server.OpenAsync(structured: structured);
        Device.Fault = _ => new IOException("broken");
        await client.Invoking(c => c.ReadAsync(0, 10)).Should().ThrowAsync<NbdFailure>().WithMessage("Io");
        (await client.WriteAsync(0, new byte[700_000])).Should().Be(NbdError.Io);
        (await client.DoAsync(NbdCommand.Flush)).Should().Be(NbdError.Io);
        (await client.DoAsync(NbdCommand.Trim, 0, 10)).Should().Be(NbdError.Io);
        Device.Fault = _ => new IOException("full", 28);
        (await client.WriteAsync(0, [1])).Should().Be(NbdError.NoSpc);
        (await client.DoAsync(NbdCommand.WriteZeroes, 0, 10, CommandFlags.NoHole)).Should().Be(NbdError.NoSpc);
        Device.Fault = _ => null;
        (await client.ReadAsync(0, 10)).Should().Equal(Device.Bytes[..10]);
    }

    [Fact]
    public async Task An_error_may_follow_chunks_that_are_good()
    {
        Device.Fill(1, 0, 2 << 20);
        Device.Fault = offset => offset >= 1 << 20 ? new IOException("broken") : null;
        await using var client = await _server.OpenAsync();
        await client.RequestAsync(NbdCommand.Read, 0, 2 << 20);
        var good = 0;
        NbdMessage message;
        while ((message = await client.ReceiveMessageAsync()).Error == NbdError.None)
            good += message.Data.Length - 8;
        message.Done.Should().BeTrue();
        message.Error.Should().Be(NbdError.Io);
        good.Should().BeGreaterThan(0);
        (await client.ReadAsync(0, 10)).Should().Equal(Device.Bytes[..10]);
    }

    [Fact]
    public async Task An_error_in_the_middle_of_a_whole_reply_ends_the_connection()
    {
        Device.Fill(1, 0, 2 << 20);
        Device.Fault = offset => offset >= 1 << 20 ? new IOException("broken") : null;
        await using var client = await _server.OpenAsync(structured: false);
        await client.RequestAsync(NbdCommand.Read, 0, 2 << 20);
        (await client.IsClosedAsync()).Should().BeTrue();
        (await _server.IsQuietAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task Requests_overtake_one_that_waits()
    {
        var gate = new TaskCompletionSource();
        Device.Fill(1, 0, (int)Size);
        Device.Pause = offset => offset == 0 ? gate.Task : Task.CompletedTask;
        await using var client = await _server.OpenAsync();
        var slow = await client.RequestAsync(NbdCommand.Read, 0, 100);
        for (var i = 1; i < 20; i++)
        {
            var fast = await client.RequestAsync(NbdCommand.Read, i * 1000, 100);
            (await client.ReceiveMessageAsync()).Cookie.Should().Be(fast);
        }

        gate.SetResult();
        (await client.ReceiveMessageAsync()).Cookie.Should().Be(slow);
    }

    [Fact]
    public async Task Many_requests_in_flight_are_all_answered_once()
    {
        Device.Fill(1, 0, (int)Size);
        await using var client = await _server.OpenAsync();
        var asked = new Dictionary<ulong, (int Offset, int Length)>();
        var random = new Random(1);
        for (var i = 0; i < 500; i++)
        {
            var (offset, length) = (random.Next((int)Size - 5000), 1 + random.Next(5000));
            asked.Add(await client.RequestAsync(NbdCommand.Read, offset, (uint)length), (offset, length));
        }

        while (asked.Count > 0)
        {
            var message = await client.ReceiveMessageAsync();
            message.Done.Should().BeTrue();
            asked.Remove(message.Cookie, out var range).Should().BeTrue();
            message.Data.AsSpan(8).SequenceEqual(Device.Bytes.AsSpan(range.Offset, range.Length)).Should().BeTrue();
        }
    }

    [Fact]
    public async Task What_one_connection_wrote_the_others_read()
    {
        await using var one = await _server.OpenAsync();
        await using var two = await _server.OpenAsync();
        (await one.WriteAsync(5, [1, 2, 3])).Should().Be(NbdError.None);
        (await two.ReadAsync(4, 5)).Should().Equal(0, 1, 2, 3, 0);
    }

    [Fact]
    public async Task Disconnect_ends_the_session_after_what_is_under_way()
    {
        var gate = new TaskCompletionSource();
        Device.Pause = _ => gate.Task;
        Device.Fill(1, 0, 100);
        await using var client = await _server.OpenAsync();
        await client.RequestAsync(NbdCommand.Read, 0, 100);
        await client.RequestAsync(NbdCommand.Disc, 0, 0);
        _server.Open.Should().Be(1);
        gate.SetResult();
        (await client.ReceiveMessageAsync()).Data.Should().HaveCount(108);
        (await client.IsClosedAsync()).Should().BeTrue();
        (await _server.IsQuietAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task An_export_that_ends_answers_what_is_under_way_and_closes()
    {
        var gate = new TaskCompletionSource();
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Device.Pause = _ =>
        {
            reading.TrySetResult();
            return gate.Task;
        };
        Device.Fill(1, 0, 100);
        await using var busy = await _server.OpenAsync();
        await using var idle = await _server.OpenAsync();
        await busy.RequestAsync(NbdCommand.Read, 0, 100);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await _server.Ending.CancelAsync();
        (await idle.IsClosedAsync()).Should().BeTrue();
        gate.SetResult();
        (await busy.ReceiveMessageAsync()).Data.Should().HaveCount(108);
        (await busy.IsClosedAsync()).Should().BeTrue();
        (await _server.IsQuietAsync()).Should().BeTrue();
    }
}
