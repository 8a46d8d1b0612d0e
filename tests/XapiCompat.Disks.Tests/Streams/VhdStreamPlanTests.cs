using System.Security.Cryptography;
using FluentAssertions;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd;
using XapiCompat.Disks.Vhd.Streams;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

public sealed class VhdStreamPlanTests
{
    private static readonly Guid Id = new("11111111-2222-4333-8444-555555555555");
    private static readonly Guid ParentId = new("66666666-7777-4888-8999-aaaaaaaaaaaa");

    [Fact]
    public async Task A_full_stream_has_the_documented_bytes()
    {
        await using var disk = new MemoryDevice(24 << 20);
        disk.Fill(0, Block, (byte)'A');
        disk.Fill(5 * Block, Block, (byte)'B');
        var plan = await FullPlanAsync(disk, Id);
        plan.Length.Should().Be(4198400);
        plan.BlockCount.Should().Be(2);

        var bytes = await BytesAsync(plan, disk);

        bytes.Length.Should().Be(4198400);
        Hex(bytes, 0, 64).Should().Be(
            "636f6e6563746978" + "00000002" + "00010000" + "0000000000000200" + "00000000" + "63616d6c" + "00000001" + "00000000"
            + "0000000001800000" + "0000000001800000" + "02d20411" + "00000003");
        Hex(bytes, 512, 40).Should().Be(
            "6378737061727365" + "ffffffffffffffff" + "0000000000000800" + "00010000" + "0000000c" + "00200000" + "fffff469");
        Hex(bytes, 512 + 40, 984).Should().MatchRegex("^0*$");
        Hex(bytes, 1536, 512).Should().MatchRegex("^0*$");
        Hex(bytes, 2048, 28).Should().Be("00000005" + "ffffffffffffffffffffffffffffffff" + "00001006" + "ffffffff");
        Hex(bytes, 2048 + 24, 512 - 24).Should().MatchRegex("^f*$");
        Hex(bytes, 2560, 512).Should().MatchRegex("^f*$");
        bytes.AsSpan(3072, Block).ContainsAnyExcept((byte)'A').Should().BeFalse();
        bytes.AsSpan(^512..).SequenceEqual(bytes.AsSpan(0, 512)).Should().BeTrue();
        Footer.TryRead(bytes, out var footer, out _).Should().BeTrue();
        footer.UniqueId.Should().Be(Id);
    }

    [Fact]
    public async Task A_differential_stream_names_its_parent()
    {
        await using var disk = new MemoryDevice(24 << 20);
        disk.Fill(5 * Block, Block, (byte)'C');
        var plan = VhdStreamPlan.Differential(disk.VirtualSize, Id, ParentId, "full.vhd", [new Extent(5 * Block, Block, ExtentKind.Data)]);
        plan.Length.Should().Be(2100736);

        var bytes = await BytesAsync(plan, disk);

        bytes[63].Should().Be(4);
        DynamicHeader.TryRead(bytes.AsSpan(512), out var header, out _).Should().BeTrue();
        header.ParentUniqueId.Should().Be(ParentId);
        header.ParentTimestamp.Should().Be(0);
        header.ParentName.Should().Be("full.vhd");
        Hex(bytes, 512 + 64, 18).Should().Be("00660075006c006c002e007600680064" + "0000");
        Hex(bytes, 512 + 576, 24).Should().Be("4d616358" + "00000001" + "0000000f" + "00000000" + "0000000000000600");
        bytes.AsSpan(1536, 16).SequenceEqual("file://full.vhd\0"u8).Should().BeTrue();
    }

    [Fact]
    public async Task Full_and_differential_applied_to_zeroes_give_the_documented_image()
    {
        await using var disk = new MemoryDevice(24 << 20);
        disk.Fill(0, Block, (byte)'A');
        disk.Fill(5 * Block, Block, (byte)'B');
        var full = await BytesAsync(await FullPlanAsync(disk, ParentId), disk);
        disk.Fill(5 * Block, Block, (byte)'C');
        var delta = await BytesAsync(
            VhdStreamPlan.Differential(disk.VirtualSize, Id, ParentId, "full.vhd", [new Extent(5 * Block + 7, 1, ExtentKind.Data)]), disk);

        await using var target = new MemoryDevice(24 << 20);
        (await VhdAsync(full, target)).Succeeded.Should().BeTrue();
        var result = await VhdAsync(delta, target, knownLength: true);

        result.Should().Be(new DecodeResult(DecodeFailure.None, null, "", 2100736, Block));
#pragma warning disable CA5351 // VDI.checksum is an MD5.
        Convert.ToHexStringLower(MD5.HashData(target.Content())).Should().Be("23e399dcb89a9ea53eb77e94ac8261ee");
#pragma warning restore CA5351
    }

    private static string Hex(byte[] bytes, int offset, int count) => Convert.ToHexStringLower(bytes.AsSpan(offset, count));
}
