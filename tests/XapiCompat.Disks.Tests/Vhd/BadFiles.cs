using System.Buffers.Binary;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>Named damage to a good image, and what is to be said of each. None = it still opens.</summary>
internal static class BadFiles
{
    public const int BlockSize = 65536;
    public const int Blocks = 24;
    private const int Header = 512;
    private const int Bat = 1536;

    private static readonly Guid Id = new("00000011-2222-4333-8444-555555555555");
    private static readonly Guid ParentId = new("00000013-2222-4333-8444-555555555555");

    public static IReadOnlyDictionary<string, (Func<byte[], byte[]> Damage, VhdFormatError Expected)> All { get; } = Build();

    /// <summary>A differencing disk with blocks 0 and 5 stored.</summary>
    public static async Task<byte[]> GoodAsync()
    {
        var io = new MemoryIo([]);
        await using var file = VhdFile.Create("good", new VhdCreateOptions
        {
            VirtualSize = Blocks * BlockSize,
            UniqueId = Id,
            DiskType = VhdDiskType.Differencing,
            BlockSize = BlockSize,
            ParentUniqueId = ParentId,
            ParentName = "parent.vhd",
        }, io);
        foreach (var block in new[] { 0, 5 })
            file.WriteSectors(block, 0, Enumerable.Repeat((byte)(block + 'A'), BlockSize).ToArray());
        return io.ToArray();
    }

    private static Dictionary<string, (Func<byte[], byte[]>, VhdFormatError)> Build()
    {
        var all = new Dictionary<string, (Func<byte[], byte[]>, VhdFormatError)>
        {
            ["untouched"] = (bytes => bytes, VhdFormatError.None),
            ["empty file"] = (_ => [], VhdFormatError.TooShort),
            ["file of 511 bytes"] = (bytes => bytes[..511], VhdFormatError.TooShort),
            ["only zeroes"] = (bytes => new byte[bytes.Length], VhdFormatError.FooterCookie),
            ["only ones"] = (bytes => [.. Enumerable.Repeat((byte)255, bytes.Length)], VhdFormatError.FooterCookie),
            ["footer torn, copy good"] = (bytes => Put(bytes, bytes.Length - 512, new byte[512]), VhdFormatError.None),
            ["footer checksum wrong, copy good"] = (bytes => Flip(bytes, bytes.Length - 512 + 64), VhdFormatError.None),
            ["copy damaged, footer good"] = (bytes => Flip(bytes, 50), VhdFormatError.None),
            ["both footer checksums wrong"] = (bytes => Flip(Flip(bytes, 64), bytes.Length - 512 + 64), VhdFormatError.FooterChecksum),
            ["both footer cookies wrong"] = (bytes => Flip(Flip(bytes, 0), bytes.Length - 512), VhdFormatError.FooterCookie),
            ["footers differ in size"] = (bytes => ChangeCopy(bytes, footer => footer with { CurrentSize = footer.CurrentSize + 512 }), VhdFormatError.FooterDisagreement),
            ["footers differ in type"] = (bytes => ChangeCopy(bytes, footer => footer with { DiskType = VhdDiskType.Dynamic }), VhdFormatError.FooterDisagreement),
            ["footers differ in unique id"] = (bytes => ChangeCopy(bytes, footer => footer with { UniqueId = ParentId }), VhdFormatError.FooterDisagreement),
            ["footers differ in hidden mark"] = (bytes => ChangeCopy(bytes, footer => footer with { Hidden = 1 }), VhdFormatError.None),
            ["footer version 2"] = (bytes => ChangeFooter(bytes, footer => footer with { Version = 0x00020000 }), VhdFormatError.FooterVersion),
            ["disk type 0"] = (bytes => ChangeFooter(bytes, footer => footer with { DiskType = 0 }), VhdFormatError.DiskType),
            ["disk type 1"] = (bytes => ChangeFooter(bytes, footer => footer with { DiskType = (VhdDiskType)1 }), VhdFormatError.DiskType),
            ["disk type 5"] = (bytes => ChangeFooter(bytes, footer => footer with { DiskType = (VhdDiskType)5 }), VhdFormatError.DiskType),
            ["disk type 2^32-1"] = (bytes => ChangeFooter(bytes, footer => footer with { DiskType = (VhdDiskType)(-1) }), VhdFormatError.DiskType),
            ["size 0"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = 0 }), VhdFormatError.VirtualSize),
            ["size 1"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = 1 }), VhdFormatError.VirtualSize),
            ["size 2^63"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = long.MinValue }), VhdFormatError.VirtualSize),
            ["size 2^63-512"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = long.MaxValue - 511 }), VhdFormatError.VirtualSize),
            ["size above 2040 GiB"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = (2040L << 30) + 512 }), VhdFormatError.VirtualSize),
            ["size of 2040 GiB, entries of 1.5 MiB"] = (bytes => ChangeFooter(bytes, footer => footer with { CurrentSize = 2040L << 30 }), VhdFormatError.TableEntries),
            ["fixed, longer than the file"] = (
                bytes => ChangeFooter(bytes, footer => footer with { DiskType = VhdDiskType.Fixed }), VhdFormatError.DataTruncated),
            ["original size absurd"] = (bytes => ChangeFooter(bytes, footer => footer with { OriginalSize = -1 }), VhdFormatError.None),
            ["geometry of zeroes"] = (bytes => ChangeFooter(bytes, footer => footer with { Geometry = default }), VhdFormatError.None),
            ["header at 0"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = 0 }), VhdFormatError.HeaderOffset),
            ["header at 513"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = 513 }), VhdFormatError.HeaderOffset),
            ["header past the end"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = (ulong)bytes.Length }), VhdFormatError.HeaderOffset),
            ["header at 2^63"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = 1UL << 63 }), VhdFormatError.HeaderOffset),
            ["header at 2^64-1"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = ulong.MaxValue }), VhdFormatError.HeaderOffset),
            ["header in the BAT"] = (bytes => ChangeFooter(bytes, footer => footer with { DataOffset = Bat }), VhdFormatError.HeaderCookie),
            ["header cookie"] = (bytes => Flip(bytes, Header), VhdFormatError.HeaderCookie),
            ["header checksum"] = (bytes => Flip(bytes, Header + 36), VhdFormatError.HeaderChecksum),
            ["header content without checksum"] = (bytes => Flip(bytes, Header + 900), VhdFormatError.HeaderChecksum),
            ["header version 2"] = (bytes => ChangeHeader(bytes, header => header with { Version = 0x00020000 }), VhdFormatError.HeaderVersion),
            ["block size 0"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 0 }), VhdFormatError.BlockSize),
            ["block size 1"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 1 }), VhdFormatError.BlockSize),
            ["block size 512"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 512 }), VhdFormatError.BlockSize),
            ["block size 3 * 2^20"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 3 << 20 }), VhdFormatError.BlockSize),
            ["block size 2^27"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 1U << 27 }), VhdFormatError.BlockSize),
            ["block size 2^31"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = 1U << 31 }), VhdFormatError.BlockSize),
            ["block size 2^32-1"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = uint.MaxValue }), VhdFormatError.BlockSize),
            ["block size halved"] = (bytes => ChangeHeader(bytes, header => header with { BlockSize = BlockSize / 2 }), VhdFormatError.TableEntries),
            ["entries 0"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = 0 }), VhdFormatError.TableEntries),
            ["entries one too few"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = Blocks - 1 }), VhdFormatError.TableEntries),
            ["entries 2^31"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = 1U << 31 }), VhdFormatError.TableEntries),
            ["entries 2^32-1"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = uint.MaxValue }), VhdFormatError.TableEntries),
            ["entries longer than the file"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = 1 << 20 }), VhdFormatError.TableTruncated),
            ["entries over the batmap"] = (bytes => ChangeHeader(bytes, header => header with { MaxTableEntries = 200 }), VhdFormatError.BlockPastEnd),
            ["BAT at 0"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = 0 }), VhdFormatError.TableOffset),
            ["BAT in the header"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = 1024 }), VhdFormatError.TableOffset),
            ["BAT at an odd offset"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = 1537 }), VhdFormatError.TableOffset),
            ["BAT at -512"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = -512 }), VhdFormatError.TableOffset),
            ["BAT at 2^63-512"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = long.MaxValue - 511 }), VhdFormatError.TableOffset),
            ["BAT past the end"] = (bytes => ChangeHeader(bytes, header => header with { TableOffset = bytes.Length }), VhdFormatError.TableOffset),
            ["entry past the end"] = (bytes => Entry(bytes, 7, (uint)(bytes.Length / 512)), VhdFormatError.BlockPastEnd),
            ["entry 2^32-2"] = (bytes => Entry(bytes, 7, 0xFFFFFFFE), VhdFormatError.BlockPastEnd),
            ["entry whose block covers the footer"] = (bytes => Entry(bytes, 5, Entry(bytes, 5) + 1), VhdFormatError.BlockPastEnd),
            ["entry 0"] = (bytes => Entry(bytes, 7, 0), VhdFormatError.BlockOverlapsMetadata),
            ["entry on the header"] = (bytes => Entry(bytes, 7, 1), VhdFormatError.BlockOverlapsMetadata),
            ["entry on the BAT"] = (bytes => Entry(bytes, 7, 3), VhdFormatError.BlockOverlapsMetadata),
            ["entry on the batmap"] = (bytes => Entry(bytes, 7, 4), VhdFormatError.BlockOverlapsMetadata),
            ["entry on a locator"] = (bytes => Entry(bytes, 7, 6), VhdFormatError.BlockOverlapsMetadata),
            ["two entries on one block"] = (bytes => Entry(bytes, 7, Entry(bytes, 0)), VhdFormatError.BlockOverlapsBlock),
            ["two entries overlapping by a sector"] = (bytes => Entry(bytes, 0, Entry(bytes, 0) + 8), VhdFormatError.BlockOverlapsBlock),
            ["all entries on one block"] = (
                bytes => Enumerable.Range(0, Blocks).Aggregate(bytes, (all, block) => Entry(all, block, Entry(bytes, 0))), VhdFormatError.BlockOverlapsBlock),
            ["all entries 0"] = (bytes => Put(bytes, Bat, new byte[Blocks * 4]), VhdFormatError.BlockOverlapsMetadata),
            ["its own parent"] = (bytes => ChangeHeader(bytes, header => header with { ParentUniqueId = Id }), VhdFormatError.SelfParent),
            ["parent id of zeroes"] = (bytes => ChangeHeader(bytes, header => header with { ParentUniqueId = Guid.Empty }), VhdFormatError.None),
            ["parent name with a path"] = (bytes => ChangeHeader(bytes, header => header with { ParentName = "/etc/passwd" }), VhdFormatError.None),
            ["locator past the end"] = (bytes => Locator(bytes, new ParentLocator(ParentLocator.W2ku, 512, 84, 1L << 40)), VhdFormatError.None),
            ["locator at -1"] = (bytes => Locator(bytes, new ParentLocator(ParentLocator.W2ku, 512, 84, -1)), VhdFormatError.None),
            ["locator of 4 GiB"] = (bytes => Locator(bytes, new ParentLocator(ParentLocator.W2ku, uint.MaxValue, uint.MaxValue, 4096)), VhdFormatError.None),
            ["locator over the header"] = (bytes => Locator(bytes, new ParentLocator(ParentLocator.W2ku, 512, 84, 512)), VhdFormatError.None),
            ["locator longer than its room"] = (bytes => Locator(bytes, new ParentLocator(ParentLocator.W2ku, 512, 513, 3072)), VhdFormatError.None),
            ["unknown locator code"] = (bytes => Locator(bytes, new ParentLocator(0x41414141, 0, 0, 0)), VhdFormatError.None),
            ["batmap cookie"] = (bytes => Flip(bytes, 2048), VhdFormatError.None),
            ["batmap past the end"] = (bytes => Put(bytes, 2048, Encode(new Batmap(1L << 50, 1, 0))), VhdFormatError.None),
            ["batmap of 2 TiB"] = (bytes => Put(bytes, 2048, Encode(new Batmap(2560, uint.MaxValue, 0))), VhdFormatError.None),
            ["batmap over the header"] = (bytes => Put(bytes, 2048, Encode(new Batmap(512, 1, 0))), VhdFormatError.None),
            ["batmap that lies"] = (bytes => Put(bytes, 2560, [.. Enumerable.Repeat((byte)255, 512)]), VhdFormatError.None),
            ["a byte of garbage at the end"] = (bytes => [.. bytes, 7], VhdFormatError.None),
            ["100 KiB of garbage at the end"] = (bytes => [.. bytes, .. Enumerable.Repeat((byte)7, 100 << 10)], VhdFormatError.None),
            ["bitmaps of ones and noise"] = (bytes => Put(bytes, (int)Entry(bytes, 0) * 512, [.. Enumerable.Range(0, 512).Select(value => (byte)(value * 7))]), VhdFormatError.None),
        };
        AddTruncations(all);
        return all;
    }

    private static void AddTruncations(Dictionary<string, (Func<byte[], byte[]>, VhdFormatError)> all)
    {
        for (var length = 512; length <= 4096; length += 512)
        {
            var (end, expected) = (length, length switch
            {
                < 1536 => VhdFormatError.HeaderOffset,
                1536 => VhdFormatError.TableOffset,
                _ => VhdFormatError.BlockPastEnd,
            });
            all["cut to " + length] = (bytes => bytes[..end], expected);
        }

        for (var missing = 512; missing <= 4096; missing += 512)
        {
            var count = missing;
            all["cut by " + missing] = (bytes => bytes[..^count], missing == 512 ? VhdFormatError.None : VhdFormatError.BlockPastEnd);
        }
    }

    private static byte[] Put(byte[] bytes, int offset, byte[] data)
    {
        byte[] result = [.. bytes];
        data.CopyTo(result, offset);
        return result;
    }

    private static byte[] Flip(byte[] bytes, int offset) => Put(bytes, offset, [(byte)(bytes[offset] ^ 0x40)]);

    private static byte[] ChangeCopy(byte[] bytes, Func<Footer, Footer> change)
    {
        Footer.TryRead(bytes, out var footer, out _);
        var encoded = new byte[Footer.Size];
        change(footer).Write(encoded);
        return Put(bytes, 0, encoded);
    }

    private static byte[] ChangeFooter(byte[] bytes, Func<Footer, Footer> change)
    {
        var result = ChangeCopy(bytes, change);
        return Put(result, result.Length - 512, result[..512]);
    }

    private static byte[] ChangeHeader(byte[] bytes, Func<DynamicHeader, DynamicHeader> change)
    {
        DynamicHeader.TryRead(bytes.AsSpan(Header), out var header, out _);
        var encoded = new byte[DynamicHeader.Size];
        change(header).Write(encoded);
        return Put(bytes, Header, encoded);
    }

    private static byte[] Locator(byte[] bytes, ParentLocator locator) =>
        ChangeHeader(bytes, header => header with { ParentLocators = header.ParentLocators.SetItem(1, locator) });

    private static uint Entry(byte[] bytes, int block) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(Bat + block * 4));

    private static byte[] Entry(byte[] bytes, int block, uint sector)
    {
        var entry = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(entry, sector);
        return Put(bytes, Bat + block * 4, entry);
    }

    private static byte[] Encode(Batmap batmap)
    {
        var bytes = new byte[Batmap.Size];
        batmap.Write(bytes);
        return bytes;
    }
}
