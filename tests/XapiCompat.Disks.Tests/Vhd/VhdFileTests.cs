using System.Text;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Disks.Tests.Vhd;

public sealed class VhdFileTests : IDisposable
{
    private const long MiB = 1 << 20;
    private static readonly Guid Id = new("00000011-2222-4333-8444-555555555555");
    private static readonly Guid ParentId = new("00000013-2222-4333-8444-555555555555");
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_new_leaf_has_the_layout_of_a_leaf_of_tapdisk()
    {
        var path = _directory.File("leaf.vhd");
        await VhdFile.Create(path, new VhdCreateOptions
        {
            VirtualSize = 10L << 30,
            UniqueId = Id,
            DiskType = VhdDiskType.Differencing,
            ParentUniqueId = ParentId,
            ParentName = "00000012-2222-4333-8444-555555555555.vhd",
        }).DisposeAsync();

        await using var file = VhdFile.Open(path, VhdAccess.Read);
        file.Footer.CreatorApplication.Should().Be(Footer.TapCreator);
        file.Footer.CreatorVersion.Should().Be(0x00010003);
        file.Footer.Geometry.Should().Be(new DiskGeometry(20805, 16, 63));
        file.ParentUniqueId.Should().Be(ParentId);
        file.ParentName.Should().Be("00000012-2222-4333-8444-555555555555.vhd");
        var header = file.Header!.Value;
        header.TableOffset.Should().Be(1536);
        header.MaxTableEntries.Should().Be(5120);
        header.ParentLocators.Take(3).Should().Equal(
            new ParentLocator(ParentLocator.MacX, 512, 49, 23552),
            new ParentLocator(ParentLocator.W2ku, 512, 84, 24064),
            new ParentLocator(ParentLocator.W2ru, 512, 84, 24576));

        var bytes = await File.ReadAllBytesAsync(path);
        bytes.Should().HaveCount(25088 + 512);
        bytes.AsSpan(25088).SequenceEqual(bytes.AsSpan(0, 512)).Should().BeTrue();
        bytes.AsSpan(1536, 20480).ContainsAnyExcept((byte)0xFF).Should().BeFalse();
        Encoding.ASCII.GetString(bytes, 22016, 8).Should().Be("tdbatmap");
        Encoding.UTF8.GetString(bytes, 23552, 49).Should().Be("file://./00000012-2222-4333-8444-555555555555.vhd");
        Encoding.Unicode.GetString(bytes, 24064, 84).Should().Be("./00000012-2222-4333-8444-555555555555.vhd");
        VhdChecker.Check(path).Should().BeEmpty();
    }

    [Theory]
    [InlineData(VhdDiskType.Dynamic, 2 * MiB)]
    [InlineData(VhdDiskType.Dynamic, 2040L << 30)]
    [InlineData(VhdDiskType.Differencing, 2040L << 30)]
    [InlineData(VhdDiskType.Dynamic, 3 * MiB + 512)]
    [InlineData(VhdDiskType.Fixed, 4 * MiB)]
    public async Task What_was_created_opens_without_findings(VhdDiskType type, long size)
    {
        var path = _directory.File("disk.vhd");
        await VhdFile.Create(path, new VhdCreateOptions
        {
            VirtualSize = size,
            UniqueId = Id,
            DiskType = type,
            ParentUniqueId = ParentId,
            ParentName = "p.vhd",
            Hidden = true,
            Durable = true,
        }).DisposeAsync();

        VhdChecker.Check(path).Should().BeEmpty();
        await using var file = VhdFile.Open(path, VhdAccess.ReadWrite);
        file.VirtualSize.Should().Be(size);
        file.DiskType.Should().Be(type);
        file.IsHidden.Should().BeTrue();
        file.UniqueId.Should().Be(Id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-512)]
    [InlineData(513)]
    [InlineData((2040L << 30) + 512)]
    public void Sizes_that_the_format_cannot_hold_are_refused(long size)
    {
        var path = _directory.File("disk.vhd");

        FluentActions.Invoking(() => VhdFile.Create(path, new VhdCreateOptions { VirtualSize = size, UniqueId = Id }))
            .Should().Throw<ArgumentException>();
        File.Exists(path).Should().BeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x.vhd")]
    [InlineData("/etc/passwd")]
    [InlineData("a\\b.vhd")]
    [InlineData("..")]
    public void Parent_names_with_a_path_are_refused(string name) =>
        FluentActions.Invoking(() => VhdFile.Create(_directory.File("disk.vhd"), new VhdCreateOptions
        {
            VirtualSize = 2 * MiB,
            UniqueId = Id,
            DiskType = VhdDiskType.Differencing,
            ParentUniqueId = ParentId,
            ParentName = name,
        })).Should().Throw<ArgumentException>();

    [Fact]
    public void An_existing_file_is_not_replaced_unasked()
    {
        var path = _directory.File("disk.vhd");
        File.WriteAllText(path, "precious");

        FluentActions.Invoking(() => VhdFile.Create(path, new VhdCreateOptions { VirtualSize = 2 * MiB, UniqueId = Id }))
            .Should().Throw<IOException>();
        File.ReadAllText(path).Should().Be("precious");
    }

    [Fact]
    public async Task Hidden_mark_id_and_parent_can_be_changed_and_are_found_again()
    {
        var path = _directory.File("disk.vhd");
        var (newId, newParent) = (Guid.NewGuid(), Guid.NewGuid());
        await using (var file = VhdFile.Create(path, new VhdCreateOptions
        {
            VirtualSize = 2 * MiB,
            UniqueId = Id,
            DiskType = VhdDiskType.Differencing,
            ParentUniqueId = ParentId,
            ParentName = "old.vhd",
        }))
        {
            await file.SetHiddenAsync(true);
            await file.SetUniqueIdAsync(newId);
            await file.SetParentAsync(newParent, "a-rather-longer-name.vhd");
            file.ParentName.Should().Be("a-rather-longer-name.vhd");
        }

        VhdChecker.Check(path).Should().BeEmpty();
        await using var again = VhdFile.Open(path, VhdAccess.Read);
        again.IsHidden.Should().BeTrue();
        again.UniqueId.Should().Be(newId);
        again.ParentUniqueId.Should().Be(newParent);
        again.ParentName.Should().Be("a-rather-longer-name.vhd");
        var locator = again.Header!.Value.ParentLocators[2];
        var bytes = await File.ReadAllBytesAsync(path);
        Encoding.Unicode.GetString(bytes, (int)locator.DataOffset, (int)locator.DataLength).Should().Be("./a-rather-longer-name.vhd");
    }

    [Theory]
    [InlineData(2 * MiB, 0, 4 * MiB)]
    [InlineData(2 * MiB, 0, 300 * MiB)]
    [InlineData(2 * MiB, 600 * MiB, 600 * MiB)]
    [InlineData(3 * MiB + 512, 0, 2040L << 30)]
    [InlineData(2 * MiB, 2040L << 30, 2040L << 30)]
    public async Task A_grown_disk_keeps_its_data_and_reads_zeroes_behind_it(long before, long reserved, long after)
    {
        var path = _directory.File("disk.vhd");
        var data = new byte[before];
        new Random(1).NextBytes(data);
        await using (var chain = new VhdChain([VhdFile.Create(path, new VhdCreateOptions { VirtualSize = before, UniqueId = Id, ReservedSize = reserved })]))
        {
            await chain.WriteAsync(0, data);
            await chain.Leaf.ResizeAsync(after);
            await chain.WriteAsync(after - 1000, data.AsMemory(0, 1000));
            chain.VirtualSize.Should().Be(after);
        }

        VhdChecker.Check(path).Should().BeEmpty();
        await using var again = VhdChain.Open([path], VhdAccess.Read);
        var read = new byte[before];
        await again.ReadAsync(0, read);
        read.AsSpan().SequenceEqual(data).Should().BeTrue();
        await again.ReadAsync(after - 1000, read.AsMemory(0, 1000));
        read.AsSpan(0, 1000).SequenceEqual(data.AsSpan(0, 1000)).Should().BeTrue();
        await again.ReadAsync(after - 2000, read.AsMemory(0, 1000));
        if (after - 2000 >= before)
            read.AsSpan(0, 1000).ContainsAnyExcept((byte)0).Should().BeFalse();
        again.Leaf.Footer.OriginalSize.Should().Be(before);
        again.Leaf.Footer.Geometry.Should().Be(DiskGeometry.FromSize(after));
    }

    [Fact]
    public async Task Shrinking_is_refused_and_the_same_size_does_nothing()
    {
        await using var file = VhdFile.Create(_directory.File("disk.vhd"), new VhdCreateOptions { VirtualSize = 4 * MiB, UniqueId = Id });

        await file.ResizeAsync(4 * MiB);
        await file.Invoking(it => it.ResizeAsync(2 * MiB).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>();
        file.VirtualSize.Should().Be(4 * MiB);
    }

    [Fact]
    public async Task A_file_opened_for_reading_is_not_written()
    {
        var path = _directory.File("disk.vhd");
        await VhdFile.Create(path, new VhdCreateOptions { VirtualSize = 4 * MiB, UniqueId = Id }).DisposeAsync();
        var before = await File.ReadAllBytesAsync(path);

        await using var chain = VhdChain.Open([path], VhdAccess.Read);
        await chain.Invoking(it => it.WriteAsync(0, new byte[512]).AsTask()).Should().ThrowAsync<InvalidOperationException>();
        await chain.Leaf.Invoking(it => it.SetHiddenAsync(true).AsTask()).Should().ThrowAsync<InvalidOperationException>();
        (await File.ReadAllBytesAsync(path)).Should().Equal(before);
    }
}
