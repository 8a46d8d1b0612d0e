using FluentAssertions;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>A file system of 16 MiB that fills up. Needs the right to mount one; without it there is nothing to see.</summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();

    [SkippableFact]
    public async Task A_full_disk_refuses_and_harms_nothing()
    {
        var mount = RequiredTool.Find("mount");
        using var directory = new TempDirectory();
        var root = directory.File("small");
        Directory.CreateDirectory(root);
        if (RequiredTool.Run(mount, "-t", "tmpfs", "-o", "size=16m,nr_inodes=40", "tmpfs", root).ExitCode != 0)
        {
            output.WriteLine("no right to mount");
            return;
        }

        try
        {
            await FillAsync(root);
        }
        finally
        {
            RequiredTool.Run(RequiredTool.Find("umount"), root);
        }
    }

    private async Task FillAsync(string root)
    {
        var configuration = new SrConfiguration(Guid.NewGuid(), NoParams);
        var plugin = Trees.NewPlugin(root);
        await plugin.CreateAsync(configuration, default);
        var sr = await plugin.AttachAsync(configuration, default);
        var kept = (await sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "kept", "", 2 * MiB, false, NoParams), default)).Volume!.Key;
        var filler = (await sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "filler", "", 64 * MiB, false, NoParams), default)).Volume!.Key;
        var data = Enumerable.Repeat((byte)7, 2 * MiB).ToArray();
        await using (var device = await sr.OpenAsync(kept, DatapathMode.ReadWrite, default))
            await device.WriteAsync(0, data);

        var written = 0L;
        await using (var device = await sr.OpenAsync(filler, DatapathMode.ReadWrite, default))
        {
            var fill = async () =>
            {
                for (; ; written += data.Length)
                    await device.WriteAsync(written, data);
            };
            (await fill.Should().ThrowAsync<StorageException>()).Which.Should()
                .Match<StorageException>(e => e.Fault == StorageFault.NoSpace && e.Message == "There is insufficient space");
        }

        // Whatever still fits is made, and the first that does not is refused whole.
        var refused = 0;
        var volumes = new List<string> { kept };
        for (var round = 0; refused < 10 && round < 200; round++)
        {
            try
            {
                var changes = (round % 3) switch
                {
                    0 => await sr.SnapshotAsync(kept, Guid.NewGuid(), NoParams, default),
                    1 => await sr.CloneAsync(volumes[^1], Guid.NewGuid(), NoParams, default),
                    _ => await sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "", "", 64L << 30, false, NoParams), default),
                };
                if (round % 3 != 2)
                    volumes.Add(changes.Volume!.Key);
            }
            catch (StorageException e)
            {
                e.Fault.Should().Be(StorageFault.NoSpace);
                refused++;
            }
        }

        refused.Should().Be(10);
        var before = await sr.ListAsync(default);
        await sr.DisposeAsync();
        sr = await plugin.AttachAsync(configuration, default);
        sr.Problems.Should().BeEmpty();
        (await sr.ListAsync(default)).Should().BeEquivalentTo(before);
        foreach (var key in volumes)
            (await ReadAsync(sr, key)).AsSpan().SequenceEqual(data).Should().BeTrue();
        (await ReadAsync(sr, filler)).AsSpan(0, (int)written).ContainsAnyExcept((byte)7).Should().BeFalse();

        // Room is made by destroying, and used again.
        await sr.DestroyVolumeAsync(filler, default);
        await using (var device = await sr.OpenAsync(kept, DatapathMode.ReadWrite, default))
            await device.WriteAsync(5, new byte[] { 1 });
        foreach (var volume in (await sr.ListAsync(default)).Where(v => v.Managed))
            await sr.DestroyVolumeAsync(volume.Key, default);
        Directory.EnumerateFiles(Trees.DirectoryOf(root, configuration)).Should().BeEmpty();
        await sr.DisposeAsync();
    }

    private static async Task<byte[]> ReadAsync(ISr sr, string key)
    {
        await using var device = await sr.OpenAsync(key, DatapathMode.Read, default);
        var data = new byte[device.VirtualSize];
        await device.ReadAsync(0, data);
        return data;
    }
}
