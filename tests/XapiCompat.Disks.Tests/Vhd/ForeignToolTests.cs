using System.Security.Cryptography;
using System.Text.Json;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>Other people's readers and writers of the format as judges.</summary>
public sealed class ForeignToolTests : IDisposable
{
    private const int MiB = 1 << 20;
    private readonly TempDirectory _directory = new();
    private readonly Random _random = new(20);

    public void Dispose() => _directory.Dispose();

    [SkippableTheory]
    [InlineData(VhdDiskType.Dynamic, 24 * MiB)]
    [InlineData(VhdDiskType.Dynamic, 25 * MiB + 512)]
    [InlineData(VhdDiskType.Fixed, 24 * MiB)]
    public async Task Qemu_reads_what_was_written(VhdDiskType type, int size)
    {
        var qemu = RequiredTool.Find("qemu-img");
        var (path, raw) = (_directory.File("disk.vhd"), _directory.File("disk.raw"));
        var disk = new byte[size];
        await using (var chain = new VhdChain([VhdFile.Create(path, Options(type, size))]))
        {
            await WriteSomeAsync(chain, disk, 12);
            await chain.ZeroAsync(5 * MiB, 3 * MiB);
            disk.AsSpan(5 * MiB, 3 * MiB).Clear();
        }

        await File.WriteAllBytesAsync(raw, disk);
        var (code, info) = RequiredTool.Run(qemu, "info", "--output=json", "-f", "vpc", path);
        code.Should().Be(0, info);
        JsonDocument.Parse(info).RootElement.GetProperty("virtual-size").GetInt64().Should().Be(size);
        var (result, comparison) = RequiredTool.Run(qemu, "compare", "--image-opts", Vpc(path), "driver=raw,file.driver=file,file.filename=" + raw);
        result.Should().Be(0, comparison);
    }

    [SkippableTheory]
    [InlineData("dynamic")]
    [InlineData("fixed")]
    public async Task What_qemu_wrote_is_read_and_continued(string subformat)
    {
        var qemu = RequiredTool.Find("qemu-img");
        var (path, raw) = (_directory.File("disk.vhd"), _directory.File("disk.raw"));
        var disk = new byte[24 * MiB];
        _random.NextBytes(disk.AsSpan(3 * MiB, 4 * MiB));
        await File.WriteAllBytesAsync(raw, disk);
        var (code, text) = RequiredTool.Run(qemu, "convert", "-f", "raw", "-O", "vpc", "-o", "force_size=on,subformat=" + subformat, raw, path);
        code.Should().Be(0, text);
        await using (var chain = VhdChain.Open([path], VhdAccess.ReadWrite))
        {
            chain.VirtualSize.Should().Be(disk.Length);
            await ShouldReadAsync(chain, disk);
            await WriteSomeAsync(chain, disk, 12);
        }

        await File.WriteAllBytesAsync(raw, disk);
        var (result, comparison) = RequiredTool.Run(qemu, "compare", "--image-opts", Vpc(path), "driver=raw,file.driver=file,file.filename=" + raw);
        result.Should().Be(0, comparison);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task SevenZip_follows_the_parents_of_a_differencing_disk(int depth)
    {
        var sevenZip = RequiredTool.Find("7z", "7zz");
        var disk = new byte[24 * MiB];
        var paths = new List<string> { _directory.File("layer0.vhd") };
        await using (var root = new VhdChain([VhdFile.Create(paths[0], Options(VhdDiskType.Dynamic, disk.Length))]))
            await WriteSomeAsync(root, disk, 10);
        for (var level = 1; level < depth; level++)
        {
            await using var parent = VhdFile.Open(paths[0], VhdAccess.Read);
            paths.Insert(0, _directory.File("layer" + level + ".vhd"));
            await VhdFile.Create(paths[0], Options(VhdDiskType.Differencing, disk.Length) with
            {
                ParentUniqueId = parent.UniqueId,
                ParentName = Path.GetFileName(paths[1]),
            }).DisposeAsync();
            await using var chain = VhdChain.Open(paths, VhdAccess.ReadWrite);
            await WriteSomeAsync(chain, disk, 4);
            await chain.ZeroAsync(level * 2 * MiB, 2 * MiB);
            disk.AsSpan(level * 2 * MiB, 2 * MiB).Clear();
        }

        var target = _directory.File("out");
        var (code, text) = RequiredTool.Run(sevenZip, "e", "-tvhd", "-y", "-o" + target, paths[0]);
        code.Should().Be(0, text);
        text.Should().NotContain("Warning");
        var extracted = Directory.GetFiles(target).Should().ContainSingle().Subject;
        Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(extracted)))
            .Should().Be(Convert.ToHexString(SHA256.HashData(disk)), text);
    }

    private static string Vpc(string path) => "driver=vpc,file.driver=file,force_size_calc=current_size,file.filename=" + path;

    private static VhdCreateOptions Options(VhdDiskType type, long size) =>
        new() { VirtualSize = size, UniqueId = Guid.NewGuid(), DiskType = type };

    private async Task WriteSomeAsync(VhdChain chain, byte[] disk, int count)
    {
        for (; count > 0; count--)
        {
            var offset = _random.Next(disk.Length);
            var length = Math.Min(_random.Next(1, 600_000), disk.Length - offset);
            _random.NextBytes(disk.AsSpan(offset, length));
            await chain.WriteAsync(offset, disk.AsMemory(offset, length));
        }
    }

    private static async Task ShouldReadAsync(VhdChain chain, byte[] disk)
    {
        var read = new byte[disk.Length];
        await chain.ReadAsync(0, read);
        read.AsSpan().CommonPrefixLength(disk).Should().Be(disk.Length);
    }
}
