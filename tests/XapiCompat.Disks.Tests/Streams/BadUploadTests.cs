using FluentAssertions;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class BadUploadTests(ITestOutputHelper output)
{
    private const int TargetSize = 8 << 20;

    public static TheoryData<string> Names => [.. BadUploads.All.Select(upload => upload.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_bad_upload_has_its_documented_outcome(string name)
    {
        var upload = BadUploads.All.Single(candidate => candidate.Name == name);
        await using var target = new MemoryDevice(TargetSize);
        target.Fill(0, TargetSize, 0xCC);

        var result = await VhdAsync(upload.Bytes, target, upload.KnownLength);

        output.WriteLine(result.Detail);
        (result.Failure, result.FormatError).Should().Be((upload.Failure, upload.Error), result.Detail);
        result.Detail.Should().NotBeEmpty();
        result.BytesApplied.Should().Be(upload.Applied);
        result.BytesConsumed.Should().BeLessThanOrEqualTo(upload.Bytes.Length);
        var overwritten = TargetSize - target.Content().AsSpan().Count((byte)0xCC);
        overwritten.Should().Be((int)upload.Applied);
    }

    [Fact]
    public async Task A_small_stream_that_claims_everything_costs_little_memory()
    {
        // A megabyte of table with every entry set, and no more.
        var bomb = BadUploads.All.Single(upload => upload.Name == "2040 GiB claimed, all of it").Bytes.AsMemory(0, 1 << 20);
        await using var target = new MemoryDevice(TargetSize);
        await RunAsync(new VhdStreamDecoder(), bomb, target, null);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var result = await RunAsync(new VhdStreamDecoder(), bomb, target, null);

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{allocated} bytes allocated");
        result.Failure.Should().Be(DecodeFailure.UnexpectedEnd);
        target.StoredPages.Should().Be(0);
        allocated.Should().BeLessThan(16 << 20);
    }
}
