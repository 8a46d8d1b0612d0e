using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Disks.Qcow2;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Tests.Streams;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Qcow2;

/// <summary>Files that are cut, lie or were made to hurt.</summary>
public sealed class BadQcow2Tests(ITestOutputHelper output) : IDisposable
{
    private const int Size = 4 << 20;
    private const int L1 = 3 << 16;
    private const int L2 = 4 << 16;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("no magic", 0, 1u)]
    [InlineData("version 4", 4, 4u)]
    [InlineData("clusters of 256 bytes", 20, 8u)]
    [InlineData("clusters of 4 MiB", 20, 22u)]
    [InlineData("encrypted", 32, 1u)]
    [InlineData("too few L1 entries", 36, 0u)]
    [InlineData("L1 table behind the end", 44, 0x7FFF0000u)]
    [InlineData("an absurd size", 24, 0x7FFFFFFFu)]
    [InlineData("a corrupt mark", 76, 2u)]
    [InlineData("an external data file", 76, 4u)]
    [InlineData("zstd", 104, 0x01000000u)]
    [InlineData("L2 table behind the end", L1, 0x80000FFFu)]
    [InlineData("L2 table between clusters", L1 + 4, 0x00040200u)]
    [InlineData("an L2 table that is its own data", L2 + 4, 0x00040000u)]
    [InlineData("a cluster used twice", L2 + 12, 0x00050000u)]
    [InlineData("a cluster behind the end", L2, 0x80000FFFu)]
    public async Task A_broken_file_is_refused_before_anything_is_written(string what, int offset, uint value)
    {
        var stream = await StreamAsync();
        BinaryPrimitives.WriteUInt32BigEndian(stream.AsSpan(offset), value);
        await using var target = new MemoryDevice(Size);

        var result = await RunAsync(new Qcow2StreamDecoder(_directory.Path), stream, target, stream.Length);

        result.Failure.Should().Be(DecodeFailure.Malformed, what);
        (target.Writes + target.Zeroings).Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(71)]
    [InlineData(100)]
    [InlineData(L1)]
    [InlineData(L2 + 100)]
    public async Task A_cut_file_is_refused(int length)
    {
        var stream = (await StreamAsync())[..length];
        await using var target = new MemoryDevice(Size);

        (await RunAsync(new Qcow2StreamDecoder(_directory.Path), stream, target, null)).Failure.Should().Be(DecodeFailure.Malformed);
        (await RunAsync(new Qcow2StreamDecoder(_directory.Path), stream, target, length + 1)).Failure.Should().Be(DecodeFailure.UnexpectedEnd);

        target.Writes.Should().Be(0);
    }

    [Fact]
    public async Task Data_behind_the_end_of_the_target_is_refused_and_zeroes_there_are_not()
    {
        var stream = await StreamAsync();
        await using var small = new MemoryDevice(Size - (1 << 20));
        (await RunAsync(new Qcow2StreamDecoder(_directory.Path), stream, small, stream.Length)).Failure.Should().Be(DecodeFailure.OutOfRange);

        await using var empty = new MemoryDevice(Size);
        var zeroes = await BytesAsync(Qcow2StreamPlan.Full(Size, [new Extent(0, Size, ExtentKind.Data)]), empty);
        (await RunAsync(new Qcow2StreamDecoder(_directory.Path), zeroes, small, zeroes.Length)).Failure.Should().Be(DecodeFailure.None);
    }

    [Fact]
    public async Task Mutated_files_end_in_a_result_and_write_no_more_than_the_disk()
    {
        foreach (var random in Runs.Each(500, 50_000, output))
        {
            var stream = await StreamAsync();
            for (var count = random.Next(1, 6); count > 0; count--)
            {
                var place = random.Next(3) switch { 0 => random.Next(112), 1 => L1 + random.Next(64), _ => L2 + random.Next(600) };
                stream[place] = random.Next(3) == 0 ? (byte)(stream[place] ^ (1 << random.Next(8))) : (byte)random.Next(256);
            }

            var length = random.Next(4) == 0 ? random.Next(stream.Length) : stream.Length;
            await using var target = new MemoryDevice(Size);
            await RunAsync(new Qcow2StreamDecoder(_directory.Path), stream.AsMemory(0, length), target, length);
            target.StoredPages.Should().BeLessThanOrEqualTo(Size / 4096);
        }
    }

    private static async Task<byte[]> StreamAsync()
    {
        await using var disk = new MemoryDevice(Size);
        disk.Fill(0, 200_000, 3);
        disk.Fill(Size - 5000, 5000, 4);
        return await BytesAsync(Qcow2StreamPlan.Full(Size, await disk.ExtentsAsync(0, Size)), disk);
    }
}
