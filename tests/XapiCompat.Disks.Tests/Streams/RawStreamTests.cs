using System.IO.Pipelines;
using FluentAssertions;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class RawStreamTests
{
    private const int Size = 3 << 20;

    [Fact]
    public async Task Holes_are_sent_without_being_read()
    {
        await using var disk = new MemoryDevice(64 << 20);
        disk.Fill(5 << 20, 4096, 1);
        var plan = new RawStreamPlan(disk.VirtualSize);

        var bytes = await BytesAsync(plan, disk);

        plan.Length.Should().Be(64 << 20);
        bytes.AsSpan().SequenceEqual(disk.Content()).Should().BeTrue();
        disk.Reads.Should().Be(1);
    }

    [Fact]
    public async Task With_changed_ranges_everything_else_is_zeroes()
    {
        await using var disk = new MemoryDevice(Size + 100);
        disk.Fill(0, Size + 100, 7);
        var plan = new RawStreamPlan(disk.VirtualSize, [new Extent(10, 20, ExtentKind.Zero), new Extent(Size, 100, ExtentKind.Data)]);

        var bytes = await BytesAsync(plan, disk);

        var expected = new byte[Size + 100];
        expected.AsSpan(10, 20).Fill(7);
        expected.AsSpan(Size, 100).Fill(7);
        bytes.AsSpan().SequenceEqual(expected).Should().BeTrue();
    }

    [Theory]
    [InlineData(10, 20, 25, 5)]
    [InlineData(10, 20, Size, 1)]
    [InlineData(10, 20, 50, long.MaxValue)]
    [InlineData(-1, 20, 50, 1)]
    public void Changed_ranges_out_of_order_or_outside_are_refused(long offset, long length, long offset2, long length2)
    {
        var plan = () => new RawStreamPlan(Size, [new Extent(offset, length, ExtentKind.Data), new Extent(offset2, length2, ExtentKind.Data)]);
        plan.Should().Throw<ArgumentException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(1_000_000)]
    [InlineData((2 << 20) - 1)]
    [InlineData(Size)]
    public async Task Exactly_the_announced_bytes_are_written(int length)
    {
        var stream = new byte[length + 1000];
        new Random(length).NextBytes(stream);
        await using var target = new MemoryDevice(Size);
        target.Fill(0, Size, 0xCC);

        var result = await RunAsync(new RawStreamDecoder(), stream, target, length);

        result.Should().Be(new DecodeResult(DecodeFailure.None, null, "", length, length));
        target.Content(0, length).AsSpan().SequenceEqual(stream.AsSpan(0, length)).Should().BeTrue();
        target.Content(length, Size - length).AllAre(0xCC).Should().BeTrue();
    }

    [Fact]
    public async Task A_length_beyond_the_disk_is_refused_before_anything_is_taken_or_written()
    {
        await using var target = new MemoryDevice(Size);

        var result = await RunAsync(new RawStreamDecoder(), new byte[Size + 1], target, Size + 1);

        (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.OutOfRange, 0));
        (target.Writes, target.Zeroings).Should().Be((0, 0));
    }

    [Fact]
    public async Task Without_a_length_the_disks_size_is_taken_and_no_byte_more()
    {
        var stream = new byte[Size + 4096];
        new Random(1).NextBytes(stream);
        await using var target = new MemoryDevice(Size);

        var result = await RunAsync(new RawStreamDecoder(), stream, target, null);

        (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.None, Size));
        target.Content().AsSpan().SequenceEqual(stream.AsSpan(0, Size)).Should().BeTrue();
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(Size - 1, null)]
    [InlineData((1 << 20) + 5, null)]
    [InlineData(0, 1L)]
    [InlineData((1 << 20) + 5, (1L << 20) + 6)]
    public async Task An_early_end_is_a_failure_that_keeps_what_came(int arrived, long? announced)
    {
        var stream = new byte[arrived];
        stream.AsSpan().Fill(5);
        await using var target = new MemoryDevice(Size);

        var result = await RunAsync(new RawStreamDecoder(), stream, target, announced);

        (result.Failure, result.BytesConsumed).Should().Be((DecodeFailure.UnexpectedEnd, arrived));
        target.Content(0, arrived).AsSpan().SequenceEqual(stream).Should().BeTrue();
    }

    [Fact]
    public async Task Zeroes_overwrite_old_data_and_leave_the_target_sparse()
    {
        var stream = new byte[Size];
        stream[(1 << 20) + 5000] = 1;
        await using var target = new MemoryDevice(Size);
        target.Fill(0, Size, 0xCC);

        (await RunAsync(new RawStreamDecoder(), stream, target, null)).Succeeded.Should().BeTrue();

        target.Content().AsSpan().SequenceEqual(stream).Should().BeTrue();
        target.StoredPages.Should().Be(16, "a grain of 64 KiB is written whole");
        target.Writes.Should().Be(1);
    }

    [Fact]
    public async Task Every_chunking_gives_the_same_disk()
    {
        var stream = new byte[70_000];
        new Random(3).NextBytes(stream);
        stream.AsSpan(10_000, 30_000).Clear();
        foreach (var size in new[] { 1, 7, 511, 512, 4095, 4096, 4097, 65536, 69_999 })
        {
            await using var target = new MemoryDevice(70_000);
            (await PiecewiseAsync(new RawStreamDecoder(), stream, target, null, () => size)).Succeeded.Should().BeTrue();
            target.Content().AsSpan().SequenceEqual(stream).Should().BeTrue();
        }
    }

    [Fact]
    public async Task Cancelling_ends_a_wait_for_input()
    {
        var pipe = new Pipe();
        await using var target = new MemoryDevice(Size);
        using var cancellation = new CancellationTokenSource();
        var run = new RawStreamDecoder().RunAsync(pipe.Reader, target, null, null, cancellation.Token).AsTask();

        await cancellation.CancelAsync();

        await run.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_cancelled_read_is_a_cancellation()
    {
        var pipe = new Pipe();
        await using var target = new MemoryDevice(Size);
        var run = new RawStreamDecoder().RunAsync(pipe.Reader, target, null, null, default).AsTask();

        pipe.Reader.CancelPendingRead();

        await run.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
    }
}
