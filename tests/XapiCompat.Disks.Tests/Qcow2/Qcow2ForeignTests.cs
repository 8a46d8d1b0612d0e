using FluentAssertions;
using XapiCompat.Disks.Qcow2;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Tests.Streams;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;
using static XapiCompat.Disks.Tests.Streams.Streaming;

namespace XapiCompat.Disks.Tests.Qcow2;

/// <summary>qemu-img reads what is written here, and writes what is read here.</summary>
public sealed class Qcow2ForeignTests(ITestOutputHelper output)
{
    private const long MiB = 1 << 20;

    [SkippableTheory]
    [InlineData(24 * MiB)]
    [InlineData(25 * MiB + 512)]
    [InlineData(512)]
    [InlineData(3000 * MiB)]
    [InlineData(2040 * 1024 * MiB)]
    public async Task Qemu_img_finds_a_full_stream_sound_and_equal_to_the_disk(long size)
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

        var plan = Qcow2StreamPlan.Full(size, await disk.ExtentsAsync(0, size));
        await SaveAsync(plan, disk, directory.File("disk.qcow2"));

        Check(qemu, directory.File("disk.qcow2"));
        RequiredTool.Run(qemu, "compare", "-f", "qcow2", "-F", "raw", directory.File("disk.qcow2"), directory.File("disk.raw"))
            .Should().Be((0, "Images are identical.\n"));
    }

    [SkippableFact]
    public async Task Qemu_img_follows_a_differential_to_its_backing_file_beside_it()
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        await using var disk = new MemoryDevice(11 * MiB);
        disk.Write(100, Noise(1, 3_000_000));
        disk.Write(disk.VirtualSize - 10, Noise(2, 10));
        await SaveAsync(Qcow2StreamPlan.Full(disk.VirtualSize, await disk.ExtentsAsync(0, disk.VirtualSize)), disk, directory.File("base.qcow2"));
        disk.Write(5_000_000, Noise(3, 1_000_000));
        disk.Fill(0, 4096, 0);
        var changed = new[] { new Extent(0, 4096, ExtentKind.Zero), new Extent(5_000_000, 1_000_000, ExtentKind.Data) };
        await SaveAsync(Qcow2StreamPlan.Differential(disk.VirtualSize, "base.qcow2", changed), disk, directory.File("leaf.qcow2"));
        await File.WriteAllBytesAsync(directory.File("disk.raw"), disk.Content());

        Check(qemu, directory.File("leaf.qcow2"));
        RequiredTool.Run(qemu, "compare", "-f", "qcow2", "-F", "raw", directory.File("leaf.qcow2"), directory.File("disk.raw"))
            .Should().Be((0, "Images are identical.\n"));
        new FileInfo(directory.File("leaf.qcow2")).Length.Should().BeLessThan(2 * MiB);
    }

    [SkippableTheory]
    [InlineData("compat=1.1", false, 24 * MiB)]
    [InlineData("compat=0.10", false, 24 * MiB)]
    [InlineData("compat=1.1,cluster_size=512", false, 5 * MiB)]
    [InlineData("compat=1.1,cluster_size=2M", true, 25 * MiB)]
    [InlineData("compat=1.1,preallocation=metadata", false, 24 * MiB)]
    [InlineData("compat=1.1,lazy_refcounts=on", true, 600 * MiB)]
    public async Task A_file_that_qemu_img_made_is_applied_over_old_data(string options, bool compressed, long size)
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        await using var disk = new MemoryDevice(size);
        disk.Write(0, Noise(1, 100_000));
        disk.Write(3 * MiB, Noise(2, 2_000_000));
        disk.Fill(size - MiB, 700_000, 7);
        await File.WriteAllBytesAsync(directory.File("disk.raw"), disk.Content());
        string[] pack = compressed ? ["-c"] : [];
        var made = RequiredTool.Run(qemu, ["convert", "-f", "raw", "-O", "qcow2", .. pack, "-o", options, directory.File("disk.raw"), directory.File("disk.qcow2")]);
        made.ExitCode.Should().Be(0, made.Output);
        var stream = await File.ReadAllBytesAsync(directory.File("disk.qcow2"));

        await using var target = new MemoryDevice(size);
        target.Fill(size / 2, 200_000, 0xCC);
        var result = await RunAsync(new Qcow2StreamDecoder(directory.Path), stream, target, stream.Length);

        result.Failure.Should().Be(DecodeFailure.None, result.Detail);
        target.Content().AsSpan().SequenceEqual(disk.Content()).Should().BeTrue();
        Directory.GetFiles(directory.Path, "*.upload").Should().BeEmpty();
    }

    [SkippableFact]
    public async Task A_file_with_a_backing_file_changes_only_what_it_stores()
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        await using var disk = MemoryDevice.Filled(Noise(5, (int)(8 * MiB)));
        await SaveAsync(Qcow2StreamPlan.Full(disk.VirtualSize, await disk.ExtentsAsync(0, disk.VirtualSize)), disk, directory.File("base.qcow2"));
        RequiredTool.Run(qemu, "create", "-q", "-f", "qcow2", "-b", directory.File("base.qcow2"), "-F", "qcow2", directory.File("leaf.qcow2")).ExitCode.Should().Be(0);
        RequiredTool.Run(RequiredTool.Find("qemu-io"), "-f", "qcow2", "-c", "write -P 17 1M 64k", "-c", "write -z 4M 128k", directory.File("leaf.qcow2")).ExitCode.Should().Be(0);
        var stream = await File.ReadAllBytesAsync(directory.File("leaf.qcow2"));

        await using var target = MemoryDevice.Filled(disk.Content());
        var result = await RunAsync(new Qcow2StreamDecoder(directory.Path), stream, target, null);

        disk.Fill(MiB, 64 << 10, 17);
        disk.Fill(4 * MiB, 128 << 10, 0);
        result.Failure.Should().Be(DecodeFailure.None, result.Detail);
        target.Content().AsSpan().SequenceEqual(disk.Content()).Should().BeTrue();
    }

    [SkippableFact]
    public async Task Random_disks_go_both_ways()
    {
        var qemu = RequiredTool.Find("qemu-img");
        using var directory = new TempDirectory();
        foreach (var random in Runs.Each(6, 200, output))
        {
            var size = random.Next(1, 40) * MiB + random.Next(2) * 512 * random.Next(1, 2000);
            await using var disk = new MemoryDevice(size);
            for (var count = random.Next(12); count > 0; count--)
            {
                var offset = random.NextInt64(size);
                disk.Write(offset, Noise(random.Next(), (int)Math.Min(size - offset, random.Next(1, 900_000))));
            }

            var ours = directory.File("ours.qcow2");
            await SaveAsync(Qcow2StreamPlan.Full(size, await disk.ExtentsAsync(0, size)), disk, ours);
            Check(qemu, ours);
            RequiredTool.Run(qemu, ["convert", "-O", "qcow2", "-o", $"cluster_size={512 << random.Next(0, 13)}", .. random.Next(2) == 0 ? ["-c"] : Array.Empty<string>(), ours, directory.File("theirs.qcow2")]).ExitCode.Should().Be(0);
            var stream = await File.ReadAllBytesAsync(directory.File("theirs.qcow2"));
            await using var target = new MemoryDevice(size);
            var result = await PiecewiseAsync(new Qcow2StreamDecoder(directory.Path), stream, target, stream.Length, () => random.Next(1, 300_000));
            result.Failure.Should().Be(DecodeFailure.None, result.Detail);
            target.Content().AsSpan().SequenceEqual(disk.Content()).Should().BeTrue();
        }
    }

    private static void Check(string qemu, string path) =>
        RequiredTool.Run(qemu, "check", "-q", "-f", "qcow2", path).Should().Be((0, ""));

    private static byte[] Noise(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
