using FluentAssertions;
using XapiCompat.Disks.Vhd;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>
/// Cuts the sequence of writes at every step and inside every step at every sector: what is left must open, and each sector
/// must read as it was before or after the operation that was cut.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int BlockSize = 8192;
    private const int Sector = VhdLimits.SectorSize;
    private static readonly Guid ParentId = new("00000013-2222-4333-8444-555555555555");

    [Theory]
    [InlineData(VhdDiskType.Dynamic)]
    [InlineData(VhdDiskType.Differencing)]
    public async Task Every_cut_leaves_a_disk_with_old_or_new_sectors(VhdDiskType type)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine("seed " + seed);
        var random = new Random(seed);
        var (parent, below) = await MakeParentAsync(random);
        var expected = type == VhdDiskType.Dynamic ? new byte[below.Length] : [.. below];
        var io = new MemoryIo([]);
        await using var chain = Chain(VhdFile.Create("leaf", Options(type, expected.Length), io), parent);
        var cuts = 0;
        for (var step = 0; step < 60; step++)
        {
            var (before, start) = (expected, io.ToArray());
            io.Steps.Clear();
            expected = await ChangeAsync(chain, [.. before], step, random);
            cuts += await CheckCutsAsync(start, io.Steps, parent, before, expected);
        }

        output.WriteLine("cuts " + cuts);
        cuts.Should().BeGreaterThan(500);
    }

    private static async Task<byte[]> ChangeAsync(VhdChain chain, byte[] disk, int step, Random random)
    {
        var offset = random.Next(disk.Length);
        var length = Math.Min(random.Next(1, 2 * BlockSize), disk.Length - offset);
        switch (step % 12)
        {
            case 3:
                await chain.Leaf.SetHiddenAsync(step % 24 == 3);
                break;
            case 5:
                await chain.Leaf.SetUniqueIdAsync(Guid.NewGuid());
                break;
            case 7 when chain.Leaf.DiskType == VhdDiskType.Differencing:
                await chain.Leaf.SetParentAsync(ParentId, "parent" + step % 10 + ".vhd");
                break;
            case 9:
                // Rows of 128 entries: every growth by as many blocks moves the BAT.
                Array.Resize(ref disk, disk.Length + (step > 40 ? 130 * BlockSize : 3 * Sector));
                await chain.Leaf.ResizeAsync(disk.Length);
                break;
            case 10:
                disk.AsSpan(offset, length).Clear();
                await chain.ZeroAsync(offset, length);
                break;
            default:
                random.NextBytes(disk.AsSpan(offset, length));
                await chain.WriteAsync(offset, disk.AsMemory(offset, length));
                break;
        }

        return disk;
    }

    private static async Task<int> CheckCutsAsync(
        byte[] start, List<(long Offset, byte[]? Data)> steps, byte[] parent, byte[] before, byte[] after)
    {
        var cuts = 0;
        var whole = new MemoryIo(start);
        for (var index = 0; index <= steps.Count; index++)
        {
            var sectors = index < steps.Count ? ((steps[index].Data?.Length ?? 0) + Sector - 1) / Sector : 0;
            for (var torn = 0; torn <= Math.Max(0, sectors - 1); torn++, cuts++)
            {
                var cut = new MemoryIo(whole.ToArray());
                if (torn > 0)
                    cut.Replay(steps[index], torn * Sector);
                await CheckCutAsync(cut.ToArray(), parent, before, after, "step " + index + " of " + steps.Count + ", sector " + torn);
            }

            if (index < steps.Count)
                whole.Replay(steps[index]);
        }

        return cuts;
    }

    private static async Task CheckCutAsync(byte[] image, byte[] parent, byte[] before, byte[] after, string because)
    {
        byte[] read;
        await using (var chain = Chain(VhdFile.Open("leaf", VhdAccess.Read, new MemoryIo(image)), parent))
        {
            chain.VirtualSize.Should().BeOneOf([before.Length, after.Length], because);
            read = new byte[chain.VirtualSize];
            await chain.ReadAsync(0, read);
            for (var offset = 0; offset < read.Length; offset += Sector)
            {
                var sector = read.AsSpan(offset, Sector);
                var isOld = offset < before.Length
                    ? sector.SequenceEqual(before.AsSpan(offset, Sector))
                    : !sector.ContainsAnyExcept((byte)0);
                (isOld || sector.SequenceEqual(after.AsSpan(offset, Sector))).Should().BeTrue("{0}: the sector at {1} is neither", because, offset);
            }
        }

        // The next writer must be able to go on, and what it leaves must be without findings.
        var io = new MemoryIo(image);
        await using var next = Chain(VhdFile.Open("leaf", VhdAccess.ReadWrite, io), parent);
        read.AsSpan(0, 300).Fill(0x5A);
        await next.WriteAsync(0, read.AsMemory(0, 300));
        read.AsSpan(read.Length - 300).Fill(0x5B);
        await next.WriteAsync(read.Length - 300, read.AsMemory(read.Length - 300));
        var again = new byte[read.Length];
        await next.ReadAsync(0, again);
        again.AsSpan().SequenceEqual(read).Should().BeTrue(because);
        var findings = new List<VhdFinding>();
        new VhdInspector(new MemoryIo(io.ToArray()), findings.Add).Inspect().Should().NotBeNull(because);
        findings.Should().BeEmpty(because);
    }

    private static async Task<(byte[] Image, byte[] Disk)> MakeParentAsync(Random random)
    {
        var io = new MemoryIo([]);
        var disk = new byte[20 * BlockSize + 3 * Sector];
        await using var chain = new VhdChain([VhdFile.Create("parent", Options(VhdDiskType.Dynamic, disk.Length) with { UniqueId = ParentId }, io)]);
        foreach (var block in new[] { 0, 3, 4, 9, 20 })
        {
            var slice = disk.AsMemory(block * BlockSize, Math.Min(BlockSize, disk.Length - block * BlockSize));
            random.NextBytes(slice.Span);
            await chain.WriteAsync(block * BlockSize, slice);
        }

        return (io.ToArray(), disk);
    }

    private static VhdCreateOptions Options(VhdDiskType type, long size) => new()
    {
        VirtualSize = size,
        UniqueId = Guid.NewGuid(),
        DiskType = type,
        BlockSize = BlockSize,
        ParentUniqueId = ParentId,
        ParentName = "parent0.vhd",
    };

    private static VhdChain Chain(VhdFile leaf, byte[] parent) => leaf.DiskType == VhdDiskType.Dynamic
        ? new VhdChain([leaf])
        : new VhdChain([leaf, VhdFile.Open("parent", VhdAccess.Read, new MemoryIo(parent))]);
}
