using System.Security.Cryptography;
using FluentAssertions;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;
using XapiCompat.Testing;
using Xunit;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>Other people's programs read what is written here, and write what is read here.</summary>
public sealed class ForeignReaderTests
{
    private const long MiB = 1 << 20;

    [SkippableTheory]
    [InlineData(24 * MiB)]
    [InlineData(25 * MiB + 512)]
    [InlineData(512)]
    [InlineData(2040 * 1024 * MiB)]
    public async Task Qemu_img_finds_a_full_stream_equal_to_the_disk(long size)
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        await using var disk = new MemoryDevice(size);
        using (var raw = File.OpenHandle(directory.File("disk.raw"), FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(raw, size);
            foreach (var offset in new[] { 0, size / 2 / 512 * 512, Math.Max(0, size - 3 * MiB), size - 512 })
            {
                var bytes = Noise((int)offset, (int)Math.Min(size - offset, 70_000));
                disk.Write(offset, bytes);
                RandomAccess.Write(raw, bytes, offset);
            }
        }

        await SaveAsync(await FullPlanAsync(disk, Guid.NewGuid()), disk, directory.File("disk.vhd"));

        Compare(qemu, directory).Should().Be((0, "Images are identical.\n"));
        disk.Write(size - 1, [1]);
        await SaveAsync(await FullPlanAsync(disk, Guid.NewGuid()), disk, directory.File("disk.vhd"));
        Compare(qemu, directory).ExitCode.Should().Be(1);
    }

    [SkippableFact]
    public async Task Seven_zip_follows_a_differential_to_its_parent_beside_it()
    {
        var seven = RequiredTool.Find("7z", "7zz");
        using var directory = new TempDirectory();
        var (full, middle, leaf) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        await using var disk = new MemoryDevice(11 * MiB);
        disk.Write(100, Noise(1, 3_000_000));
        disk.Write(disk.VirtualSize - 10, Noise(2, 10));
        await SaveAsync(await FullPlanAsync(disk, full), disk, directory.File($"{full}.vhd"));
        var before = Hash(disk);

        disk.Write(5_000_000, Noise(3, 1_000_000));
        await SaveDifferenceAsync(disk, directory, middle, full, 5_000_000, 1_000_000);
        var between = Hash(disk);
        disk.Write(disk.VirtualSize - 5, [1, 2, 3, 4, 5]);
        disk.Fill(0, 4096, 0);
        await SaveDifferenceAsync(disk, directory, leaf, middle, 0, 4096, disk.VirtualSize - 5, 5);

        (await ExtractedAsync(seven, directory.File($"{full}.vhd"))).Should().Be(before);
        (await ExtractedAsync(seven, directory.File($"{middle}.vhd"))).Should().Be(between);
        (await ExtractedAsync(seven, directory.File($"{leaf}.vhd"))).Should().Be(Hash(disk));
    }

    [SkippableTheory]
    [InlineData("subformat=dynamic", 24 * MiB)]
    [InlineData("subformat=dynamic,force_size=on", 24 * MiB)]
    [InlineData("subformat=dynamic", 5 * MiB)]
    [InlineData("subformat=dynamic,force_size=on", 129 * MiB)]
    public async Task A_stream_that_qemu_img_made_is_applied(string options, long size)
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        await using var disk = new MemoryDevice(size);
        disk.Write(0, Noise(1, 100_000));
        disk.Write(3 * MiB, Noise(2, 2_000_000));
        disk.Write(size - 700, Noise(3, 700));
        await File.WriteAllBytesAsync(directory.File("disk.raw"), disk.Content());
        RequiredTool.Run(qemu, "convert", "-f", "raw", "-O", "vpc", "-o", options, directory.File("disk.raw"), directory.File("disk.vhd"))
            .ExitCode.Should().Be(0);
        var stream = await File.ReadAllBytesAsync(directory.File("disk.vhd"));

        foreach (var known in new[] { false, true })
        {
            await using var target = new MemoryDevice(size);
            var result = await VhdAsync(stream, target, known);
            result.Failure.Should().Be(DecodeFailure.None, result.Detail);
            target.Content().AsSpan().SequenceEqual(disk.Content()).Should().BeTrue();
        }
    }

    private static async Task SaveDifferenceAsync(MemoryDevice disk, TempDirectory directory, Guid id, Guid parent, params long[] ranges)
    {
        var changed = ranges.Chunk(2).Select(range => new Extent(range[0], range[1], ExtentKind.Data)).ToArray();
        var plan = VhdStreamPlan.Differential(disk.VirtualSize, id, parent, $"{parent}.vhd", changed);
        await SaveAsync(plan, disk, directory.File($"{id}.vhd"));
    }

    private static (int ExitCode, string Output) Compare(string qemu, TempDirectory directory) => RequiredTool.Run(
        qemu,
        "compare",
        "--image-opts",
        "driver=vpc,force_size_calc=current_size,file.driver=file,file.filename=" + directory.File("disk.vhd"),
        "driver=raw,file.driver=file,file.filename=" + directory.File("disk.raw"));

    private static async Task<string> ExtractedAsync(string seven, string path)
    {
        using var output = new TempDirectory();
        var (exitCode, text) = RequiredTool.Run(seven, "x", "-y", "-o" + output.Path, path);
        exitCode.Should().Be(0, text);
        var extracted = Directory.GetFiles(output.Path).Should().ContainSingle().Subject;
        return Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(extracted)));
    }

    private static string Hash(MemoryDevice disk) => Convert.ToHexStringLower(SHA256.HashData(disk.Content()));

    private static byte[] Noise(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
