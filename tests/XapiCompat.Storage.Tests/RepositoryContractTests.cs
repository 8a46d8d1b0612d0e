using FluentAssertions;
using Xunit;

namespace XapiCompat.Storage.Tests;

/// <summary>What every plugin owes the host, also one that takes no snapshots or keeps no data. Derive once per plugin.</summary>
public abstract class RepositoryContractTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    protected PluginHarness Harness { get; private set; } = null!;

    protected abstract IStoragePlugin NewPlugin(string root);

    protected virtual IReadOnlyDictionary<string, string> DeviceConfig(string root) => new Dictionary<string, string>();

    public async Task InitializeAsync() => Harness = await PluginHarness.StartAsync(NewPlugin, DeviceConfig);

    public async Task DisposeAsync() => await Harness.DisposeAsync();

    [Fact]
    public async Task A_new_volume_is_as_asked_for_and_reads_as_zeroes()
    {
        var volume = await Harness.CreateAsync((3 * MiB) + 1, "fresh");
        volume.VirtualSize.Should().BeGreaterThan(3 * MiB).And.Match(size => size % 512 == 0);
        volume.Should().Match<VolumeInfo>(v => v.Managed && v.ReadWrite && !v.Sharable && v.Name == "fresh" && v.Description == "a fresh");
        volume.Uuid.Should().NotBeNull();
        (await Harness.ReadAsync(volume.Key)).Should().OnlyContain(b => b == 0).And.HaveCount((int)volume.VirtualSize);
        (await Harness.ManagedAsync()).Should().ContainSingle().Which.Should().BeEquivalentTo(volume);
        await Harness.ReattachAsync();
        (await Harness.StatAsync(volume.Key)).Should().BeEquivalentTo(volume);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task A_size_that_cannot_be_is_refused(long size)
    {
        var create = () => Harness.CreateAsync(size);
        (await create.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeSize);
        (await Harness.ManagedAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_destroyed_volume_leaves_nothing()
    {
        var volume = await Harness.CreateAsync(MiB);
        (await Harness.DestroyAsync(volume.Key)).Removed.Should().Equal(volume.Key);
        (await Harness.DestroyAsync(volume.Key)).Removed.Should().BeEmpty();
        (await Harness.Sr.ListAsync(default)).Should().BeEmpty();
        Directory.EnumerateFiles(Harness.Root, "*", SearchOption.AllDirectories).Should().BeEmpty();
        foreach (var key in new[] { volume.Key, "../../etc/passwd", "", "\0" })
        {
            foreach (var use in new Func<Task>[]
            {
                async () => await Harness.StatAsync(key),
                async () => await Harness.OpenAsync(key, DatapathMode.Read),
                async () => await Harness.Sr.SetNameAsync(key, "", "", default),
            })
            {
                (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeDoesNotExist);
            }
        }
    }

    [Fact]
    public async Task Names_and_keys_of_the_host_are_kept()
    {
        var volume = await Harness.CreateAsync(MiB);
        await Harness.Sr.SetNameAsync(volume.Key, "nöu \"1\"", "line\nbreak", default);
        await Harness.Sr.SetAsync(volume.Key, new Dictionary<string, string?> { ["snapshot_of"] = "x", ["tags"] = "a,b" }, default);
        await Harness.Sr.SetAsync(volume.Key, new Dictionary<string, string?> { ["snapshot_of"] = null, ["none"] = null }, default);
        await Harness.ReattachAsync();
        var found = await Harness.StatAsync(volume.Key);
        found.Name.Should().Be("nöu \"1\"");
        found.Description.Should().Be("line\nbreak");
        found.Keys.Should().BeEquivalentTo(new Dictionary<string, string> { ["tags"] = "a,b" });
    }

    [Fact]
    public async Task What_it_does_not_do_it_says_so()
    {
        var key = (await Harness.CreateAsync(MiB)).Key;
        var features = NewPlugin(Harness.Root).Query().Features;
        foreach (var (feature, use) in new (string, Func<Task>)[]
        {
            ("VDI_SNAPSHOT", () => Harness.SnapshotAsync(key)),
            ("VDI_CLONE", () => Harness.CloneAsync(key)),
            ("VDI_RESIZE", async () => await Harness.Sr.ResizeAsync(key, 4 * MiB, default)),
        })
        {
            if (features.ContainsKey(feature))
                await use.Should().NotThrowAsync();
            else
                (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.Unimplemented);
        }
    }

    [Fact]
    public async Task The_numbers_add_up()
    {
        await Harness.CreateAsync(2 * MiB);
        await Harness.CreateAsync(6 * MiB);
        var stat = await Harness.Sr.StatAsync(default);
        stat.VirtualAllocation.Should().Be((await Harness.ManagedAsync()).Sum(v => v.VirtualSize));
        stat.PhysicalUtilisation.Should().Be((await Harness.Sr.ListAsync(default)).Sum(v => v.PhysicalUtilisation));
        stat.PhysicalSize.Should().BeGreaterThan(stat.PhysicalUtilisation);
    }

    [Fact]
    public async Task A_read_only_datapath_takes_no_writes_and_no_range_leaves_the_disk()
    {
        var volume = await Harness.CreateAsync(MiB);
        await using var reader = await Harness.OpenAsync(volume.Key, DatapathMode.Read);
        var write = async () => await reader.WriteAsync(0, new byte[512]);
        await write.Should().ThrowAsync<InvalidOperationException>();
        await using var writer = await Harness.OpenAsync(volume.Key, DatapathMode.ReadWrite);
        await writer.WriteAsync(0, new byte[512]);
        await writer.ZeroAsync(100, 1000);
        await writer.FlushAsync();
        foreach (var outside in new Func<Task>[]
        {
            async () => await reader.ReadAsync(volume.VirtualSize - 1, new byte[2]),
            async () => await writer.WriteAsync(-1, new byte[1]),
            async () => await writer.ZeroAsync(0, volume.VirtualSize + 1),
            async () => await reader.ExtentsAsync(volume.VirtualSize, 1),
        })
        {
            await outside.Should().ThrowAsync<ArgumentOutOfRangeException>();
        }

        (await reader.ExtentsAsync(0, volume.VirtualSize)).Sum(e => e.Length).Should().Be(volume.VirtualSize);
    }
}
