using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Disks.Tests.Vhd;

public sealed class VhdChainTests : IDisposable
{
    private const int Block = VhdLimits.DefaultBlockSize;
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Extents_tell_stored_blocks_from_those_that_no_layer_has()
    {
        var paths = await MakeAsync(10 * Block + 512, [3], [1, 10]);
        await using var chain = VhdChain.Open(paths, VhdAccess.Read);

        (await chain.ExtentsAsync(0, chain.VirtualSize)).Should().Equal(
            new Extent(0, Block, ExtentKind.Zero),
            new Extent(Block, Block, ExtentKind.Data),
            new Extent(2 * Block, Block, ExtentKind.Zero),
            new Extent(3 * Block, Block, ExtentKind.Data),
            new Extent(4 * Block, 6 * Block, ExtentKind.Zero),
            new Extent(10 * Block, 512, ExtentKind.Data));
        (await chain.ExtentsAsync(Block + 7, Block)).Should().Equal(
            new Extent(Block + 7, Block - 7, ExtentKind.Data), new Extent(2 * Block, 7, ExtentKind.Zero));
        (await chain.ExtentsAsync(5, 0)).Should().BeEmpty();
    }

    [Fact]
    public async Task The_difference_of_two_chains_is_what_only_one_of_them_stores()
    {
        var paths = await MakeAsync(12 * Block, [0, 1, 2], [4], [5, 6]);
        var side = await AddAsync(paths[1..], 12 * Block, [8]);
        await using var leaf = VhdChain.Open(paths, VhdAccess.Read);
        await using var middle = VhdChain.Open(paths[1..], VhdAccess.Read);
        await using var root = VhdChain.Open(paths[2..], VhdAccess.Read);
        await using var sibling = VhdChain.Open(side, VhdAccess.Read);
        await using var same = VhdChain.Open(paths, VhdAccess.Read);

        VhdChain.Difference(leaf, middle).Should().Equal(Data(5, 7));
        VhdChain.Difference(middle, leaf).Should().Equal(Data(5, 7));
        VhdChain.Difference(leaf, root).Should().Equal(Data(4, 7));
        VhdChain.Difference(leaf, sibling).Should().Equal(Data(5, 7), Data(8, 9));
        VhdChain.Difference(leaf, same).Should().BeEmpty();
    }

    [Fact]
    public async Task The_difference_of_unrelated_chains_is_all_that_either_stores()
    {
        var first = await MakeAsync(12 * Block, [0]);
        var second = await MakeAsync(12 * Block, [3]);
        await using var one = VhdChain.Open(first, VhdAccess.Read);
        await using var two = VhdChain.Open(second, VhdAccess.Read);

        VhdChain.Difference(one, two).Should().Equal(Data(0, 1), Data(3, 4));
    }

    [Fact]
    public async Task The_difference_holds_what_was_written_behind_the_end_of_the_other()
    {
        var paths = await MakeAsync(4 * Block, [0, 3]);
        var larger = await AddAsync(paths, 9 * Block + 512, [9]);
        await using var disk = VhdChain.Open(larger, VhdAccess.Read);
        await using var other = VhdChain.Open(paths, VhdAccess.Read);

        VhdChain.Difference(disk, other).Should().Equal(new Extent(9 * Block, 512, ExtentKind.Data));
        VhdChain.Difference(other, disk).Should().BeEmpty();
    }

    [Fact]
    public async Task Zeroes_over_nothing_store_nothing()
    {
        await using var chain = VhdChain.Open(await MakeAsync(8 * Block, [], []), VhdAccess.ReadWrite);
        var before = chain.Leaf.PhysicalSize;

        await chain.ZeroAsync(100, 5 * Block);

        chain.Leaf.AllocatedBlockCount.Should().Be(0);
        chain.Leaf.PhysicalSize.Should().Be(before);
    }

    [Fact]
    public async Task Zeroes_over_a_block_of_a_parent_hide_it_without_data()
    {
        var paths = await MakeAsync(8 * Block, [2], []);
        await using (var chain = VhdChain.Open(paths, VhdAccess.ReadWrite))
            await chain.ZeroAsync(2 * Block, Block);

        await using var again = VhdChain.Open(paths, VhdAccess.Read);
        var read = new byte[Block];
        await again.ReadAsync(2 * Block, read);
        read.AsSpan().ContainsAnyExcept((byte)0).Should().BeFalse();
        again.Leaf.IsAllocated(2).Should().BeTrue();
        VhdChecker.Check(paths[0]).Should().BeEmpty();
    }

    [Fact]
    public async Task A_small_write_over_a_parent_marks_its_sectors_only()
    {
        var paths = await MakeAsync(8 * Block, [2], []);
        await using var chain = VhdChain.Open(paths, VhdAccess.ReadWrite);

        await chain.WriteAsync(2 * Block + 1000, new byte[100]);

        var bitmap = chain.Leaf.Bitmap(2)!;
        Enumerable.Range(0, 4096).Where(sector => SectorBitmap.IsSet(bitmap, sector)).Should().Equal(1, 2);
        var read = new byte[3 * 512];
        await chain.ReadAsync(2 * Block, read);
        read.AsSpan(0, 1000).ContainsAnyExcept((byte)'a').Should().BeFalse();
        read.AsSpan(1000, 100).ContainsAnyExcept((byte)0).Should().BeFalse();
        read.AsSpan(1100).ContainsAnyExcept((byte)'a').Should().BeFalse();
    }

    [Fact]
    public async Task Ranges_outside_the_disk_are_refused_before_anything_is_touched()
    {
        await using var chain = VhdChain.Open(await MakeAsync(2 * Block, [[]]), VhdAccess.ReadWrite);

        await chain.Invoking(it => it.WriteAsync(2 * Block - 1, new byte[2]).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>();
        await chain.Invoking(it => it.ReadAsync(-1, new byte[2]).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>();
        await chain.Invoking(it => it.ZeroAsync(0, 2 * Block + 1).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>();
        await chain.Invoking(it => it.ExtentsAsync(long.MaxValue, 1).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>();
        chain.Leaf.AllocatedBlockCount.Should().Be(0);
    }

    [Fact]
    public async Task Files_that_are_not_each_others_parents_do_not_form_a_chain()
    {
        var paths = await MakeAsync(2 * Block, [], []);
        var stranger = await MakeAsync(2 * Block, [[]]);

        Opening([paths[0], stranger[0]]).Should().Throw<VhdFormatException>().Which.Error.Should().Be(VhdFormatError.ParentMismatch);
        Opening([stranger[0], paths[1]]).Should().Throw<VhdFormatException>().Which.Error.Should().Be(VhdFormatError.ParentMismatch);
        Opening([paths[0], paths[0]]).Should().Throw<VhdFormatException>().Which.Error.Should().Be(VhdFormatError.ParentMismatch);
        Opening([paths[0]]).Should().Throw<VhdFormatException>().Which.Error.Should().Be(VhdFormatError.ParentMissing);
        FluentActions.Invoking(() => new VhdChain([])).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task A_chain_of_255_files_reads_through_to_its_root()
    {
        var layers = Enumerable.Range(0, 254).Select(_ => Array.Empty<int>()).Prepend([1]).ToArray();
        await using var chain = VhdChain.Open(await MakeAsync(4 * Block, layers), VhdAccess.Read);
        var read = new byte[4 * Block];

        await chain.ReadAsync(0, read);

        read.AsSpan(Block, Block).ContainsAnyExcept((byte)'a').Should().BeFalse();
        read.AsSpan(0, Block).ContainsAnyExcept((byte)0).Should().BeFalse();
    }

    [Fact]
    public async Task Writers_and_readers_run_side_by_side()
    {
        const int Writers = 8;
        var paths = await MakeAsync(6 * Block, [0, 3], []);
        var size = 6 * Block;
        var expected = new byte[size];
        expected.AsSpan(0, Block).Fill((byte)'a');
        expected.AsSpan(3 * Block, Block).Fill((byte)'a');
        await using (var chain = VhdChain.Open(paths, VhdAccess.ReadWrite))
        {
            // Each writer owns every eighth piece, so that all of them meet in every block; pieces are not whole sectors.
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                var random = new Random(writer);
                for (var round = 0; round < 600; round++)
                {
                    var offset = (random.Next(size / 3000 / Writers) * Writers + writer) * 3000;
                    random.NextBytes(expected.AsSpan(offset, 3000));
                    await chain.WriteAsync(offset, expected.AsMemory(offset, 3000));
                    var read = new byte[3000];
                    await chain.ReadAsync(offset, read);
                    read.AsSpan().SequenceEqual(expected.AsSpan(offset, 3000)).Should().BeTrue();
                }
            })));
        }

        VhdChecker.Check(paths[0]).Should().BeEmpty();
        await using var again = VhdChain.Open(paths, VhdAccess.Read);
        var all = new byte[size];
        await again.ReadAsync(0, all);
        all.AsSpan().CommonPrefixLength(expected).Should().Be(size);
    }

    [Fact]
    public async Task Coalescing_a_node_keeps_what_its_child_shows_and_may_be_repeated()
    {
        var paths = await MakeAsync(4 * Block, [0, 1], [1, 2], [3]);
        var expected = new byte[4 * Block];
        await using (var chain = VhdChain.Open(paths, VhdAccess.Read))
            await chain.ReadAsync(0, expected);
        await using (var root = VhdFile.Open(paths[2], VhdAccess.ReadWrite))
        await using (var node = VhdFile.Open(paths[1], VhdAccess.Read))
        {
            await node.CoalesceIntoAsync(root);
            await node.CoalesceIntoAsync(root);
            await using var leaf = VhdFile.Open(paths[0], VhdAccess.ReadWrite);
            await leaf.SetParentAsync(root.UniqueId, Path.GetFileName(root.Path));
        }

        await using var shorter = VhdChain.Open([paths[0], paths[2]], VhdAccess.Read);
        var read = new byte[4 * Block];
        await shorter.ReadAsync(0, read);
        read.AsSpan().SequenceEqual(expected).Should().BeTrue();
    }

    [Fact]
    public async Task A_file_is_not_coalesced_into_a_stranger()
    {
        var paths = await MakeAsync(4 * Block, [0], [1]);
        var stranger = await MakeAsync(4 * Block, [[]]);
        await using var node = VhdFile.Open(paths[0], VhdAccess.Read);
        await using var other = VhdFile.Open(stranger[0], VhdAccess.ReadWrite);

        (await node.Invoking(it => it.CoalesceIntoAsync(other).AsTask()).Should().ThrowAsync<VhdFormatException>())
            .Which.Error.Should().Be(VhdFormatError.ParentMismatch);
    }

    private static Extent Data(int first, int end) => new((long)first * Block, (long)(end - first) * Block, ExtentKind.Data);

    private static Action Opening(string[] paths) => () => VhdChain.Open(paths, VhdAccess.Read);

    /// <summary>Files from the root up, each with some blocks: 'a' in the root, 'b' above it and so on. Answers leaf first.</summary>
    private async Task<string[]> MakeAsync(long size, params int[][] layers)
    {
        string[] paths = [];
        foreach (var blocks in layers)
            paths = await AddAsync(paths, size, blocks);
        return paths;
    }

    private async Task<string[]> AddAsync(string[] below, long size, int[] blocks)
    {
        var path = _directory.File(Guid.NewGuid() + ".vhd");
        var options = new VhdCreateOptions { VirtualSize = size, UniqueId = Guid.NewGuid() };
        if (below.Length > 0)
        {
            await using var parent = VhdFile.Open(below[0], VhdAccess.Read);
            options = options with
            {
                DiskType = VhdDiskType.Differencing,
                ParentUniqueId = parent.UniqueId,
                ParentName = Path.GetFileName(parent.Path),
            };
        }

        await VhdFile.Create(path, options).DisposeAsync();
        string[] paths = [path, .. below];
        await using var chain = VhdChain.Open(paths, VhdAccess.ReadWrite);
        foreach (var block in blocks)
        {
            var data = Enumerable.Repeat((byte)('a' + below.Length), (int)Math.Min(Block, size - (long)block * Block)).ToArray();
            await chain.WriteAsync((long)block * Block, data);
        }

        return paths;
    }
}
