using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Disks.Vhd.Streams;
using XapiCompat.Testing;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>Streams out of and into VHD files.</summary>
public sealed class FileStreamTests
{
    private const long Size = (13L << 20) + 512;

    [Fact]
    public async Task A_chain_travels_in_full_and_its_newest_layer_as_a_difference()
    {
        using var directory = new TempDirectory();
        await using var parent = Open(directory, ("base.vhd", ""));
        await parent.WriteAsync(100, Noise(1, 3_000_000));
        await parent.WriteAsync(Size - 4, Noise(2, 4));
        var parentId = parent.Leaf.UniqueId;
        var full = VhdStreamPlan.Full(Size, parentId, await parent.ExtentsAsync(0, Size));
        full.BlockCount.Should().Be(3);

        await using var restored = Open(directory, ("restored.vhd", ""));
        (await VhdAsync(await BytesAsync(full, parent), restored)).Succeeded.Should().BeTrue();
        Same(await ContentAsync(restored), await ContentAsync(parent));

        Create(directory, "leaf.vhd", "base.vhd", parentId);
        await using var leaf = VhdChain.Open([directory.File("leaf.vhd"), directory.File("base.vhd")], VhdAccess.ReadWrite);
        await leaf.WriteAsync(2_000_000, Noise(3, 500_000));
        await leaf.ZeroAsync(5_000, 70_000);
        await leaf.WriteAsync(9 << 20, Noise(4, 1));
        var changed = VhdChain.Difference(leaf, parent);
        var delta = VhdStreamPlan.Differential(Size, leaf.Leaf.UniqueId, parentId, "base.vhd", changed);
        delta.BlockCount.Should().Be(3);

        (await VhdAsync(await BytesAsync(delta, leaf), restored, knownLength: true)).Succeeded.Should().BeTrue();
        Same(await ContentAsync(restored), await ContentAsync(leaf));
    }

    [Fact]
    public async Task A_stream_of_zeroes_leaves_an_empty_file_empty()
    {
        using var directory = new TempDirectory();
        await using var target = Open(directory, ("target.vhd", ""));

        (await VhdAsync(new VhdBuilder { VirtualSize = Size }.Block(0, 0).Block(3, 0).Build(), target)).Succeeded.Should().BeTrue();

        target.Leaf.AllocatedBlockCount.Should().Be(0);
    }

    [Fact]
    public async Task A_stream_opens_as_a_file()
    {
        using var directory = new TempDirectory();
        await using var disk = new MemoryDevice(Size);
        disk.Write(5_000_000, Noise(1, 2_000_000));
        var id = Guid.NewGuid();
        await SaveAsync(await FullPlanAsync(disk, id), disk, directory.File("full.vhd"));

        await using var chain = VhdChain.Open([directory.File("full.vhd")], VhdAccess.Read);

        chain.Leaf.UniqueId.Should().Be(id);
        Same(await ContentAsync(chain), disk.Content());
    }

    private static VhdChain Open(TempDirectory directory, (string Name, string Parent) file)
    {
        Create(directory, file.Name, file.Parent, Guid.Empty);
        return VhdChain.Open([directory.File(file.Name)], VhdAccess.ReadWrite);
    }

    private static void Create(TempDirectory directory, string name, string parent, Guid parentId)
    {
        var options = new VhdCreateOptions
        {
            VirtualSize = Size,
            UniqueId = Guid.NewGuid(),
            DiskType = parent.Length == 0 ? VhdDiskType.Dynamic : VhdDiskType.Differencing,
            ParentName = parent,
            ParentUniqueId = parentId,
        };
        VhdFile.Create(directory.File(name), options).DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static async Task<byte[]> ContentAsync(IBlockDevice device)
    {
        var bytes = new byte[device.VirtualSize];
        await device.ReadAsync(0, bytes);
        return bytes;
    }

    private static void Same(byte[] actual, byte[] expected) => actual.AsSpan().SequenceEqual(expected).Should().BeTrue();

    private static byte[] Noise(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
