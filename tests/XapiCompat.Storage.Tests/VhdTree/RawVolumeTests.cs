using FluentAssertions;
using XapiCompat.Disks;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Volumes that are plain files, beside those of a tree.</summary>
public sealed class RawVolumeTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly Dictionary<string, string> Raw = new() { ["type"] = "raw" };

    private PluginHarness _harness = null!;

    public async Task InitializeAsync() => _harness = await PluginHarness.StartAsync(root => Trees.NewPlugin(root));

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData((3 * MiB) + 1)]
    public async Task The_size_is_exactly_what_was_asked_for(long size)
    {
        var volume = await CreateAsync(size);
        volume.VirtualSize.Should().Be(size);
        volume.PhysicalUtilisation.Should().Be(size);
        volume.SmConfig.Should().Equal(Raw);
        (await _harness.ReadAsync(volume.Key)).Should().Equal(new byte[size]);
        (await _harness.Sr.StatAsync(default)).VirtualAllocation.Should().Be(size);
    }

    [Fact]
    public async Task Data_name_and_keys_outlive_the_attachment()
    {
        var volume = await CreateAsync(3 * MiB);
        await _harness.WriteAsync(volume.Key, MiB, new byte[] { 1, 2, 3 });
        await _harness.Sr.SetNameAsync(volume.Key, "other", "text", default);
        await _harness.Sr.SetAsync(volume.Key, new Dictionary<string, string?> { ["k"] = "v" }, default);
        var before = await _harness.StatAsync(volume.Key);

        await _harness.ReattachAsync();

        var after = await _harness.StatAsync(volume.Key);
        after.Should().BeEquivalentTo(before);
        (after.Name, after.Description, after.Keys["k"]).Should().Be(("other", "text", "v"));
        (await _harness.ReadAsync(volume.Key))[MiB..(MiB + 3)].Should().Equal(1, 2, 3);
        (await _harness.ManagedAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task The_data_gets_another_name_with_each_write_that_follows_a_look()
    {
        var volume = await CreateAsync(MiB);
        await using var device = await _harness.OpenAsync(volume.Key, DatapathMode.ReadWrite);
        var seen = new HashSet<Guid> { volume.DataId };
        for (var round = 0; round < 5; round++)
        {
            (await _harness.StatAsync(volume.Key)).DataId.Should().Be((await _harness.StatAsync(volume.Key)).DataId);
            await device.WriteAsync(round, new byte[] { 7 });
            seen.Add((await _harness.StatAsync(volume.Key)).DataId).Should().BeTrue();
        }
    }

    [Fact]
    public async Task Holes_are_known_and_zeroes_make_some()
    {
        var volume = await CreateAsync(4 * MiB);
        await using var device = await _harness.OpenAsync(volume.Key, DatapathMode.ReadWrite);
        await device.WriteAsync(MiB, new byte[2 * MiB]);
        await device.ZeroAsync(2 * MiB, MiB);

        var extents = await device.ExtentsAsync(0, 4 * MiB);

        extents.Sum(e => e.Length).Should().Be(4 * MiB);
        extents.Should().Contain(new Extent(MiB, MiB, ExtentKind.Data));
    }

    [Fact]
    public async Task What_a_plain_file_cannot_do_is_not_implemented()
    {
        var volume = await CreateAsync(MiB);
        foreach (var refused in (Func<Task>[])[
            async () => await _harness.SnapshotAsync(volume.Key),
            async () => await _harness.CloneAsync(volume.Key),
            async () => await _harness.Sr.ResizeAsync(volume.Key, 2 * MiB, default)])
        {
            (await refused.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.Unimplemented);
        }

        (await _harness.Sr.CompareAsync(volume.Key, volume.Key, default)).Should().BeNull();
        (await _harness.ManagedAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task Destroying_takes_the_file_and_a_taken_uuid_is_refused()
    {
        var volume = await CreateAsync(MiB);
        var again = async () => await _harness.Sr.CreateVolumeAsync(new VolumeSpec(volume.Uuid!.Value, "", "", MiB, false, new Dictionary<string, string>()), default);
        (await again.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeCreate);

        (await _harness.DestroyAsync(volume.Key)).Removed.Should().Equal(volume.Key);

        (await _harness.DestroyAsync(volume.Key)).Removed.Should().BeEmpty();
        Directory.GetFiles(_harness.Root, "*", SearchOption.AllDirectories).Should().BeEmpty();
    }

    [Fact]
    public async Task A_scan_finds_plain_files_and_misses_those_that_are_gone()
    {
        var volume = await CreateAsync(MiB);
        var directory = Directory.GetDirectories(_harness.Root).Single();
        var foreign = Guid.NewGuid();
        await File.WriteAllBytesAsync(Path.Combine(directory, foreign + ".raw"), new byte[] { 1, 2, 3 });
        File.Delete(Path.Combine(directory, volume.Key + ".raw"));

        var found = await _harness.ManagedAsync();

        found.Should().ContainSingle().Which.Key.Should().Be(foreign.ToString());
        (await _harness.ReadAsync(foreign.ToString())).Should().Equal(1, 2, 3);
    }

    private async Task<VolumeInfo> CreateAsync(long size) =>
        (await _harness.Sr.CreateVolumeAsync(new VolumeSpec(Guid.NewGuid(), "plain", "", size, false, Raw), default)).Volume!;
}
