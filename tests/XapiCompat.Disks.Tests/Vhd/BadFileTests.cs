using System.Buffers.Binary;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Disks.Tests.Vhd;

public sealed class BadFileTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempDirectory _directory = new();

    public static TheoryData<string> Names => [.. BadFiles.All.Keys];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Named_damage_is_named(string name)
    {
        var (damage, expected) = BadFiles.All[name];
        var path = _directory.File("bad.vhd");
        var bytes = damage(await BadFiles.GoodAsync());
        await File.WriteAllBytesAsync(path, bytes);

        var findings = VhdChecker.Check(path);
        if (expected == VhdFormatError.None)
        {
            findings.Should().NotContain(finding => finding.PreventsOpening);
            await using var file = VhdFile.Open(path, VhdAccess.Read);
            file.AllocatedBlocks().Should().Equal(0, 5);
            await CheckReopenForWritingAsync(path);
            return;
        }

        FluentActions.Invoking(() => VhdFile.Open(path, VhdAccess.Read)).Should().Throw<VhdFormatException>()
            .Which.Error.Should().Be(expected);
        FluentActions.Invoking(() => VhdFile.Open(path, VhdAccess.ReadWrite)).Should().Throw<VhdFormatException>();
        findings.Should().Contain(finding => finding.PreventsOpening && finding.Error == expected);
        (await File.ReadAllBytesAsync(path)).Should().Equal(bytes, "a refused file is left alone");
    }

    [Theory]
    [InlineData("footer torn, copy good", VhdFormatError.FooterCookie)]
    [InlineData("copy damaged, footer good", VhdFormatError.FooterChecksum)]
    [InlineData("batmap cookie", VhdFormatError.BatmapCookie)]
    [InlineData("batmap past the end", VhdFormatError.BatmapRange)]
    [InlineData("batmap that lies", VhdFormatError.BatmapChecksum)]
    [InlineData("locator over the header", VhdFormatError.LocatorRange)]
    [InlineData("locator at -1", VhdFormatError.LocatorRange)]
    public async Task The_checker_names_damage_that_a_reader_works_around(string name, VhdFormatError expected)
    {
        var path = _directory.File("bad.vhd");
        await File.WriteAllBytesAsync(path, BadFiles.All[name].Damage(await BadFiles.GoodAsync()));

        VhdChecker.Check(path).Should().Contain(finding => finding.Error == expected && !finding.PreventsOpening);
    }

    [Fact]
    public async Task A_sparse_file_that_claims_2040_GiB_in_full_costs_no_memory()
    {
        var path = _directory.File("bomb.vhd");
        await VhdFile.Create(path, new VhdCreateOptions { VirtualSize = 2040L << 30, UniqueId = Guid.NewGuid() }).DisposeAsync();
        var bat = new byte[2040 * 512 * 4];
        for (var block = 0; block < bat.Length / 4; block++)
            BinaryPrimitives.WriteUInt32BigEndian(bat.AsSpan(block * 4), (uint)(20000 + block * 4097L));
        await using (var file = File.OpenWrite(path))
        {
            file.Position = 1536;
            await file.WriteAsync(bat);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        FluentActions.Invoking(() => VhdFile.Open(path, VhdAccess.Read)).Should().Throw<VhdFormatException>();
        VhdChecker.Check(path).Should().NotBeEmpty();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(4 << 20);
    }

    [Fact]
    public async Task Random_damage_is_refused_or_read_but_never_breaks_the_reader()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        var images = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK")) ? 3000 : 50_000;
        output.WriteLine("seed " + seed + ", images " + images);
        var good = await BadFiles.GoodAsync();
        var names = BadFiles.All.Keys.ToArray();
        var random = new Random(seed);
        var opened = 0;
        for (var image = 0; image < images; image++)
        {
            var bytes = good;
            for (var faults = random.Next(1, 6); faults > 0; faults--)
                bytes = Damage(bytes, bytes == good, names, random);
            if (await TryReadAllAsync(bytes))
                opened++;
        }

        output.WriteLine("opened " + opened + ", refused " + (images - opened));
        opened.Should().BeInRange(1, images - 1);
    }

    private static byte[] Damage(byte[] bytes, bool isGood, string[] names, Random random)
    {
        if (random.Next(3) == 0 && isGood)
            return BadFiles.All[names[random.Next(names.Length)]].Damage(bytes);
        byte[] result = [.. bytes];
        if (result.Length < Footer.Size)
            return result;
        var offset = random.Next(4) == 0 ? random.Next(result.Length) : random.Next(Math.Min(3072, result.Length));
        result[offset] = (byte)random.Next(256);
        FixChecksum(result, 0, Footer.Size, 64);
        FixChecksum(result, result.Length - Footer.Size, Footer.Size, 64);
        FixChecksum(result, Footer.Size, DynamicHeader.Size, 36);
        return result;
    }

    private static void FixChecksum(byte[] bytes, int offset, int size, int field)
    {
        if (offset + size > bytes.Length)
            return;
        var structure = bytes.AsSpan(offset, size);
        BinaryPrimitives.WriteUInt32BigEndian(structure[field..], VhdChecksum.Compute(structure, field));
    }

    private static async Task<bool> TryReadAllAsync(byte[] bytes)
    {
        try
        {
            await using var file = VhdFile.Open("fuzz", VhdAccess.ReadWrite, new MemoryIo(bytes));
            var buffer = new byte[file.BlockSize];
            foreach (var block in file.AllocatedBlocks())
            {
                file.ReadStored(block, 0, buffer);
                _ = file.Bitmap(block);
            }

            if (file.BlockSize <= 1 << 20)
                file.WriteSectors(file.BlockCount - 1, 0, new byte[512]);
            return true;
        }
        catch (VhdFormatException)
        {
            return false;
        }
    }

    private static async Task CheckReopenForWritingAsync(string path)
    {
        await using (var file = VhdFile.Open(path, VhdAccess.ReadWrite))
            file.WriteSectors(9, 0, new byte[512]);
        VhdChecker.Check(path).Should().NotContain(finding => finding.PreventsOpening);
        await using var again = VhdFile.Open(path, VhdAccess.Read);
        again.AllocatedBlocks().Should().Equal(0, 5, 9);
    }
}
