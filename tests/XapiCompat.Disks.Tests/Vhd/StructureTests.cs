using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using Xunit;

namespace XapiCompat.Disks.Tests.Vhd;

public sealed class StructureTests
{
    private static readonly Guid SomeId = new("00112233-4455-6677-8899-aabbccddeeff");

    [Fact]
    public void The_footer_of_a_24_MiB_export_starts_with_the_known_bytes()
    {
        var bytes = new byte[Footer.Size];
        (Footer.Create(VhdDiskType.Dynamic, 24 << 20, SomeId, 0) with { CreatorApplication = Footer.CamlCreator, CreatorVersion = 1 }).Write(bytes);

        Convert.ToHexStringLower(bytes.AsSpan(0, 64)).Should().Be(
            "636f6e6563746978" + "00000002" + "00010000" + "0000000000000200" + "00000000" + "63616d6c" + "00000001" + "00000000"
            + "0000000001800000" + "0000000001800000" + "02d20411" + "00000003");
        Convert.ToHexStringLower(bytes.AsSpan(68, 16)).Should().Be("00112233445566778899aabbccddeeff");
    }

    [Fact]
    public void The_footer_checksum_is_the_complement_of_the_byte_sum()
    {
        var bytes = new byte[Footer.Size];
        (Footer.Create(VhdDiskType.Dynamic, 24 << 20, Guid.Empty, 0) with { CreatorApplication = Footer.CamlCreator, CreatorVersion = 1 }).Write(bytes);
        var sum = bytes.Take(64).Concat(bytes.Skip(68)).Sum(value => (long)value);

        BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(64)).Should().Be(~(uint)sum);
    }

    [Fact]
    public void The_header_of_a_24_MiB_export_starts_with_the_known_bytes()
    {
        var bytes = new byte[DynamicHeader.Size];
        new DynamicHeader { TableOffset = 2048, MaxTableEntries = 12 }.Write(bytes);

        Convert.ToHexStringLower(bytes.AsSpan(0, 40)).Should().Be(
            "6378737061727365" + "ffffffffffffffff" + "0000000000000800" + "00010000" + "0000000c" + "00200000" + "fffff469");
    }

    [Fact]
    public void Parent_name_and_locator_have_the_known_bytes()
    {
        var bytes = new byte[DynamicHeader.Size];
        new DynamicHeader
        {
            ParentName = "full.vhd",
            ParentUniqueId = SomeId,
            ParentLocators = [new ParentLocator(ParentLocator.MacX, 1, 15, 1536)],
        }.Write(bytes);

        Convert.ToHexStringLower(bytes.AsSpan(64, 20)).Should().Be("00660075006c006c002e00760068006400000000");
        Convert.ToHexStringLower(bytes.AsSpan(576, 24)).Should().Be("4d616358" + "00000001" + "0000000f" + "00000000" + "0000000000000600");
    }

    [Fact]
    public void A_footer_read_back_is_the_footer_written()
    {
        var footer = Footer.Create(VhdDiskType.Differencing, 10L << 30, SomeId, 123) with { Hidden = 1, SavedState = 1, OriginalSize = 3L << 30 };
        var bytes = new byte[Footer.Size];
        footer.Write(bytes);

        Footer.TryRead(bytes, out var read, out var error).Should().BeTrue();
        error.Should().Be(VhdFormatError.None);
        read.Should().Be(footer);
        bytes[85].Should().Be(1);
    }

    [Fact]
    public void A_header_read_back_is_the_header_written()
    {
        var header = new DynamicHeader
        {
            MaxTableEntries = 5120,
            ParentName = "parent-ü.vhd",
            ParentUniqueId = SomeId,
            ParentTimestamp = 77,
            ParentLocators = [new ParentLocator(ParentLocator.MacX, 512, 49, 23552), new ParentLocator(ParentLocator.W2ku, 512, 84, 24064)],
        };
        var bytes = new byte[DynamicHeader.Size];
        header.Write(bytes);

        DynamicHeader.TryRead(bytes, out var read, out _).Should().BeTrue();
        read.ParentLocators.Should().HaveCount(8).And.StartWith(header.ParentLocators);
        (read with { ParentLocators = header.ParentLocators }).Should().Be(header);
    }

    [Theory]
    [InlineData(0, VhdFormatError.FooterCookie)]
    [InlineData(48, VhdFormatError.FooterChecksum)]
    [InlineData(64, VhdFormatError.FooterChecksum)]
    [InlineData(511, VhdFormatError.FooterChecksum)]
    public void A_flipped_bit_in_a_footer_is_found(int offset, VhdFormatError expected)
    {
        var bytes = new byte[Footer.Size];
        Footer.Create(VhdDiskType.Dynamic, 24 << 20, SomeId, 0).Write(bytes);
        bytes[offset] ^= 4;

        Footer.TryRead(bytes, out _, out var error).Should().BeFalse();
        error.Should().Be(expected);
    }

    [Theory]
    [InlineData(2L << 20, 60, 4, 17)]
    [InlineData(24L << 20, 722, 4, 17)]
    [InlineData(3L << 30, 6241, 16, 63)]
    [InlineData(10L << 30, 20805, 16, 63)]
    [InlineData(24L << 30, 49932, 16, 63)]
    [InlineData(2040L << 30, 65535, 16, 255)]
    public void Geometry_follows_the_specification(long size, int cylinders, int heads, int sectors) =>
        DiskGeometry.FromSize(size).Should().Be(new DiskGeometry((ushort)cylinders, (byte)heads, (byte)sectors));

    [Fact]
    public void The_geometry_of_24_GiB_addresses_the_size_that_foreign_tools_print() =>
        DiskGeometry.FromSize(24L << 30).ByteSize.Should().Be(25769705472);

    [Fact]
    public void The_first_sector_of_a_bitmap_is_the_most_significant_bit()
    {
        var bitmap = new byte[512];
        SectorBitmap.Set(bitmap, 0, 1);
        SectorBitmap.Set(bitmap, 9, 14);

        bitmap.Take(4).Should().Equal(0x80, 0x7F, 0xFE, 0);
        SectorBitmap.ByteLength(2 << 20).Should().Be(512);
        SectorBitmap.ByteLength(4096).Should().Be(512);
    }

    [Fact]
    public void Runs_of_a_bitmap_agree_with_a_walk_over_its_bits()
    {
        var random = new Random(5);
        var bitmap = new byte[512];
        for (var round = 0; round < 300; round++)
        {
            var first = random.Next(4096);
            SectorBitmap.Set(bitmap, first, random.Next(Math.Min(40, 4096 - first)) + 1);
            var start = random.Next(4096);
            var limit = random.Next(4096 - start) + 1;
            var expected = Enumerable.Range(start, limit)
                .TakeWhile(sector => SectorBitmap.IsSet(bitmap, sector) == SectorBitmap.IsSet(bitmap, start)).Count();
            SectorBitmap.RunLength(bitmap, start, limit).Should().Be(expected);
        }
    }

    [Fact]
    public void The_batmap_of_5120_blocks_takes_two_sectors()
    {
        var bytes = new byte[Batmap.Size];
        Batmap.CreateEmpty(22016, 5120).Write(bytes);

        Batmap.TryRead(bytes, out var batmap, out _).Should().BeTrue();
        batmap.Should().Be(new Batmap(22528, 2, Batmap.ComputeMapChecksum(new byte[1024])));
    }
}
