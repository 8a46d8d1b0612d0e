using System.Buffers.Binary;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>A file nobody should send, and what becomes of it on a target of 8 MiB.</summary>
/// <param name="Applied">Bytes that may have been written before the refusal.</param>
public sealed record BadUpload(string Name, byte[] Bytes, DecodeFailure Failure, VhdFormatError? Error, long Applied, bool KnownLength)
{
    public override string ToString() => Name;
}

internal static class BadUploads
{
    private const long Block = 2 << 20;

    public static IReadOnlyList<BadUpload> All { get; } = [.. Make()];

    private static IEnumerable<BadUpload> Make()
    {
        // Footer copy.
        yield return Cut("nothing at all", []);
        yield return Cut("half a footer", Usual().Build()[..256]);
        yield return Bad("the beginning of a footer, then zeroes", [.. Usual().Build()[..60], .. new byte[4000]], VhdFormatError.FooterChecksum);
        yield return Bad("a raw image", new byte[1 << 20], VhdFormatError.FooterCookie);
        yield return Bad("an HTTP error page", [.. "HTTP/1.1 500 Internal Error\r\n\r\n"u8, .. new byte[600]], VhdFormatError.FooterCookie);
        yield return Bad("a fixed disk", FixedDisk(), VhdFormatError.FooterCookie);
        yield return Bad("a fixed disk that begins with a footer", Edited(b => b.EditFooters = f => f[63] = 2), VhdFormatError.DiskType);
        yield return Bad("footer with a wrong checksum", Edited(b => b.EditFooterCopy = f => f.AsSpan(64, 4).Fill(0xEE)), VhdFormatError.FooterChecksum);
        yield return Bad("footer of version 2", Edited(b => b.EditFooters = f => f[13] = 2), VhdFormatError.FooterVersion);
        yield return Bad("disk type 0", Edited(b => b.EditFooters = f => f[63] = 0), VhdFormatError.DiskType);
        yield return Bad("disk type 6", Edited(b => b.EditFooters = f => f[63] = 6), VhdFormatError.DiskType);
        yield return Bad("virtual size 0", Edited(b => b.EditFooters = f => f.AsSpan(48, 8).Clear()), VhdFormatError.VirtualSize);
        yield return Bad("virtual size 2^63", Edited(b => b.EditFooters = f => f[48] = 0x80), VhdFormatError.VirtualSize);
        yield return Bad("virtual size 2^62", Edited(b => b.EditFooters = f => f[48] = 0x40), VhdFormatError.VirtualSize);
        yield return Bad("virtual size not in whole sectors", Edited(b => b.EditFooters = f => f[55] = 1), VhdFormatError.VirtualSize);
        yield return Bad("virtual size of 2040 GiB and a sector", Edited(b => b.EditFooters = f => Put64(f, 48, (2040L << 30) + 512)), VhdFormatError.VirtualSize);

        // Header.
        yield return Bad("header inside the footer copy", Edited(b => b.EditFooters = f => Put64(f, 16, 0)), VhdFormatError.HeaderOffset);
        yield return Bad("header offset of a fixed disk", Edited(b => b.EditFooters = f => Put64(f, 16, -1)), VhdFormatError.HeaderOffset);
        yield return Bad("header not on a sector", Edited(b => b.EditFooters = f => Put64(f, 16, 513)), VhdFormatError.HeaderOffset);
        yield return Cut("header behind the end", Edited(b => b.EditFooters = f => Put64(f, 16, 1L << 40)));
        yield return Bad("header without cookie", Edited(b => b.EditHeader = h => h[0] = (byte)'x'), VhdFormatError.HeaderCookie);
        yield return Bad("header with a wrong checksum", Edited(b => b.EditHeader = h => h.AsSpan(36, 4).Fill(0xEE)), VhdFormatError.HeaderChecksum);
        yield return Bad("header of version 2", Edited(b => b.EditHeader = h => h[25] = 2), VhdFormatError.HeaderVersion);
        yield return Bad("block size 0", Edited(b => b.EditHeader = h => Put32(h, 32, 0)), VhdFormatError.BlockSize);
        yield return Bad("block size 1", Edited(b => b.EditHeader = h => Put32(h, 32, 1)), VhdFormatError.BlockSize);
        yield return Bad("block size 2^31", Edited(b => b.EditHeader = h => Put32(h, 32, 1u << 31)), VhdFormatError.BlockSize);
        yield return Bad("block size 3 MiB", Edited(b => b.EditHeader = h => Put32(h, 32, 3 << 20)), VhdFormatError.BlockSize);
        yield return Bad("a parent of its own", Edited(b => (b.Type, b.ParentId) = (VhdDiskType.Differencing, VhdBuilder.Id)), VhdFormatError.SelfParent);

        // Table.
        yield return Bad("table inside the header", Edited(b => b.EditHeader = h => Put64(h, 16, 1024)), VhdFormatError.TableOffset);
        yield return Bad("table at a negative offset", Edited(b => b.EditHeader = h => Put64(h, 16, -512)), VhdFormatError.TableOffset);
        yield return Bad("table not on a sector", Edited(b => b.EditHeader = h => Put64(h, 16, 1537)), VhdFormatError.TableOffset);
        yield return Cut("table behind the end", Edited(b => b.EditHeader = h => Put64(h, 16, 1L << 40)));
        yield return Bad("no table entries", Edited(b => b.EditHeader = h => Put32(h, 28, 0)), VhdFormatError.TableEntries);
        yield return Bad("fewer table entries than blocks", Edited(b => b.EditHeader = h => Put32(h, 28, 3)), VhdFormatError.TableEntries);
        yield return Bad("2^32-1 table entries", Edited(b => b.EditHeader = h => Put32(h, 28, uint.MaxValue)), VhdFormatError.TableEntries);
        yield return Bad("an entry behind the disk's end", Edited(b => (b.TableEntries, b.TableOverrides[4]) = (5u, 90000u)), VhdFormatError.TableEntries);
        yield return Bad("an entry in the footer copy", Edited(b => b.TableOverrides[2] = 0), VhdFormatError.BlockOverlapsMetadata);
        yield return Bad("an entry in the header", Edited(b => b.TableOverrides[2] = 1), VhdFormatError.BlockOverlapsMetadata);
        yield return Bad("an entry in the table", Edited(b => b.TableOverrides[2] = 3), VhdFormatError.BlockOverlapsMetadata);
        yield return Bad("two entries on one block", Edited(b => b.TableOverrides[2] = 4), VhdFormatError.BlockOverlapsBlock);
        yield return Bad("blocks that overlap by a sector", Edited(b => b.TableOverrides[3] = 4 + 4096), VhdFormatError.BlockOverlapsBlock);
        yield return Bad("all entries on one block", Edited(b => (b.TableOverrides[0], b.TableOverrides[2], b.TableOverrides[3]) = (4, 4, 4)), VhdFormatError.BlockOverlapsBlock);
        yield return Bad("an entry behind the announced end", Edited(b => b.TableOverrides[3] = 1 << 20), VhdFormatError.BlockPastEnd, knownLength: true);
        yield return Bad("an entry at the last sector there is", Edited(b => b.TableOverrides[3] = uint.MaxValue - 1), VhdFormatError.BlockPastEnd, knownLength: true);
        yield return Cut("an entry behind an end that nobody announced", Edited(b => b.TableOverrides[3] = 1 << 20), Block);
        yield return Bad("2040 GiB claimed, all of it", Bomb(), VhdFormatError.BlockPastEnd, knownLength: true);

        // Data and end.
        yield return Cut("cut in a bitmap", Usual().Build()[..(2048 + 100)]);
        yield return Cut("cut in a block", Usual().Build()[..(2048 + 512 + (1 << 20) + 5)], 1 << 20);
        yield return Bad("cut in a block, length known", Usual().Build()[..(2048 + 512 + (1 << 20))], VhdFormatError.BlockPastEnd, knownLength: true);
        yield return Cut("no closing footer", Edited(b => b.ClosingFooter = false), Block);
        yield return Cut("closing footer cut short", Usual().Build()[..^1], Block);
        yield return Cut("closing footer with a wrong checksum", Edited(b => b.EditClosingFooter = f => f.AsSpan(64, 4).Fill(0xEE)), Block);
        yield return Cut("closing footer not on a sector", Edited(b => b.GapBeforeFooter = 100), Block);
        yield return Bad("footers of different sizes", Edited(b => b.EditClosingFooter = f => Put64(f, 48, 6 << 20)), VhdFormatError.FooterDisagreement, Block);
        yield return Bad("footers of different types", Edited(b => b.EditClosingFooter = f => f[63] = 4), VhdFormatError.FooterDisagreement, Block);
        yield return Bad("footers of different ids", Edited(b => b.EditClosingFooter = f => f[70] ^= 1), VhdFormatError.FooterDisagreement, Block);
        yield return Outside("larger than the target, data behind its end", new VhdBuilder { VirtualSize = 10 << 20 }.Block(0, 1).Block(4, 2).Build(), Block);
        yield return Outside("a block across the target's end", Across(), Block);
    }

    private static VhdBuilder Usual() => new VhdBuilder().Block(1, 0x5A);

    private static byte[] Edited(Action<VhdBuilder> edit)
    {
        var builder = Usual();
        edit(builder);
        return builder.Build();
    }

    private static byte[] FixedDisk()
    {
        var disk = new byte[(1 << 20) + 512];
        disk.AsSpan(0, 1 << 20).Fill(7);
        Footer.Create(VhdDiskType.Fixed, 1 << 20, VhdBuilder.Id, 0).Write(disk.AsSpan(1 << 20));
        return disk;
    }

    private static byte[] Bomb()
    {
        var builder = new VhdBuilder { VirtualSize = 2040L << 30 };
        for (uint index = 0; index < 1_044_480; index++)
            builder.TableOverrides[index] = 8164 + index * 4097;
        return builder.Build();
    }

    private static byte[] Across()
    {
        // One block of 16 MiB, whose sectors behind the 8 MiB of the target hold a single byte.
        var builder = new VhdBuilder { VirtualSize = 12 << 20, BlockSize = 16 << 20 };
        var data = new byte[16 << 20];
        data.AsSpan(0, 2 << 20).Fill(1);
        data[9 << 20] = 1;
        var bitmap = new byte[builder.BitmapSize];
        SectorBitmap.Set(bitmap, 0, 4096);
        SectorBitmap.Set(bitmap, 18432, 1);
        return builder.Block(0, bitmap, data).Build();
    }

    private static BadUpload Bad(string name, byte[] bytes, VhdFormatError error, long applied = 0, bool knownLength = false) =>
        new(name, bytes, DecodeFailure.Malformed, error, applied, knownLength);

    private static BadUpload Cut(string name, byte[] bytes, long applied = 0) =>
        new(name, bytes, DecodeFailure.UnexpectedEnd, null, applied, KnownLength: false);

    private static BadUpload Outside(string name, byte[] bytes, long applied) =>
        new(name, bytes, DecodeFailure.OutOfRange, null, applied, KnownLength: false);

    private static void Put32(byte[] bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), value);

    private static void Put64(byte[] bytes, int offset, long value) => BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(offset), value);
}
