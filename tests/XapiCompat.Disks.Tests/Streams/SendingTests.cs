using System.IO.Pipelines;
using FluentAssertions;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class SendingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    [InlineData(3_000_000)]
    public async Task A_receiver_that_goes_is_an_outcome(int taken)
    {
        await using var disk = new MemoryDevice(8 << 20);
        disk.Fill(0, 8 << 20, 1);
        (await SendToLeaverAsync(taken, async writer => await (await FullPlanAsync(disk)).WriteAsync(disk, writer, null, default)))
            .Should().Be(StreamOutcome.ReceiverGone);
        (await SendToLeaverAsync(taken, async writer => await new RawStreamPlan(8 << 20).WriteAsync(disk, writer, null, default)))
            .Should().Be(StreamOutcome.ReceiverGone);
        disk.Reads.Should().BeLessThan(64, "nothing is read for nobody");
    }

    [Fact]
    public async Task Progress_counts_bytes_up_to_the_length()
    {
        await using var disk = new MemoryDevice(5 << 20);
        disk.Fill(0, 5 << 20, 1);
        var plan = await FullPlanAsync(disk);
        var seen = new List<long>();

        await plan.WriteAsync(disk, PipeWriter.Create(Stream.Null), seen.Add, default);

        seen.Should().BeInAscendingOrder().And.EndWith(plan.Length);
    }

    [Fact]
    public async Task A_token_ends_a_flush_that_waits_for_the_receiver()
    {
        await using var disk = new MemoryDevice(8 << 20);
        disk.Fill(0, 8 << 20, 1);
        var pipe = new Pipe();
        using var cancellation = new CancellationTokenSource();
        var sending = new RawStreamPlan(8 << 20).WriteAsync(disk, pipe.Writer, null, cancellation.Token).AsTask();
        sending.IsCompleted.Should().BeFalse();

        await cancellation.CancelAsync();

        await sending.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_cancelled_flush_is_a_cancellation()
    {
        await using var disk = new MemoryDevice(8 << 20);
        var pipe = new Pipe();
        var sending = new RawStreamPlan(8 << 20).WriteAsync(disk, pipe.Writer, null, default).AsTask();

        pipe.Writer.CancelPendingFlush();

        await sending.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task Equal_inputs_give_equal_bytes()
    {
        await using var disk = new MemoryDevice((5 << 20) + 512);
        disk.Fill(3 << 20, (2 << 20) + 512, 1);
        var plan = await FullPlanAsync(disk, Guid.NewGuid());

        var bytes = await BytesAsync(plan, disk);

        (await BytesAsync(plan, disk)).AsSpan().SequenceEqual(bytes).Should().BeTrue();
        plan.BlockCount.Should().Be(2);
        bytes.AsSpan(2560 + 2097664 + 512 + (1 << 20) + 512, (1 << 20) - 512).ContainsAnyExcept((byte)0).Should().BeFalse("the last block is padded");
    }

    [Fact]
    public async Task Block_contents_do_not_matter_only_extents_do()
    {
        await using var disk = new MemoryDevice(100 << 20);
        disk.Fill(50 << 20, 1, 0);
        var plan = await FullPlanAsync(disk);

        plan.BlockCount.Should().Be(1);
        VhdStreamPlan.Full(100 << 20, default, [new Extent(0, 100 << 20, ExtentKind.Zero)]).BlockCount.Should().Be(0);
        VhdStreamPlan.Differential(100 << 20, default, default, "p.vhd", [new Extent(0, 100 << 20, ExtentKind.Zero)]).BlockCount.Should().Be(50);
        VhdStreamPlan.Full(100 << 20, default, [new Extent((2 << 20) - 1, 2, ExtentKind.Data), new Extent(3 << 20, 1, ExtentKind.Data)])
            .BlockCount.Should().Be(2);
    }

    [Fact]
    public void A_disk_of_2040_GiB_fits_and_a_byte_more_does_not()
    {
        VhdStreamPlan.Full(2040L << 30, default, [new Extent(0, 2040L << 30, ExtentKind.Data)]).Length
            .Should().Be(2048 + 4177920 + 1044480L * 2097664 + 512);
        var larger = () => VhdStreamPlan.Full((2040L << 30) + 1, default, []);
        larger.Should().Throw<DiskTooLargeException>().Which.VirtualSize.Should().Be((2040L << 30) + 1);
        var differential = () => VhdStreamPlan.Differential(long.MaxValue, default, default, "p.vhd", []);
        differential.Should().Throw<DiskTooLargeException>();
    }

    [Theory]
    [InlineData("")]
    [InlineData("../parent.vhd")]
    [InlineData("/etc/passwd")]
    public void A_parent_is_named_without_a_directory(string name)
    {
        var plan = () => VhdStreamPlan.Differential(1 << 20, default, default, name, []);
        plan.Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task A_disk_of_another_size_is_refused()
    {
        await using var disk = new MemoryDevice(1 << 20);
        var plan = VhdStreamPlan.Full(2 << 20, default, []);

        var sending = async () => await plan.WriteAsync(disk, PipeWriter.Create(Stream.Null), null, default);
        await sending.Should().ThrowAsync<ArgumentException>();
    }

    /// <summary>Takes that many bytes, then goes.</summary>
    private static async Task<StreamOutcome> SendToLeaverAsync(int bytes, Func<PipeWriter, Task<StreamOutcome>> send)
    {
        var pipe = new Pipe();
        var sending = send(pipe.Writer);
        for (var rest = bytes; rest > 0;)
        {
            var buffer = (await pipe.Reader.ReadAsync()).Buffer;
            var take = Math.Min(rest, buffer.Length);
            pipe.Reader.AdvanceTo(buffer.GetPosition(take));
            rest -= (int)take;
        }

        await pipe.Reader.CompleteAsync();
        return await sending;
    }
}
