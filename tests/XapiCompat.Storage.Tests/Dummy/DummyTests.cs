using FluentAssertions;
using XapiCompat.Storage.Dummy;
using Xunit;

namespace XapiCompat.Storage.Tests.Dummy;

public sealed class DummyContractTests : RepositoryContractTests
{
    protected override IStoragePlugin NewPlugin(string root) => new DummyPlugin(root);

    [Fact]
    public async Task Writes_are_taken_and_zeroes_are_read()
    {
        var volume = await Harness.CreateAsync(1 << 20);
        await Harness.WriteAsync(volume.Key, 5, new byte[] { 1, 2, 3 });
        (await Harness.ReadAsync(volume.Key)).Should().OnlyContain(b => b == 0);
        volume.SmConfig.Should().ContainKey("samplekey");
    }

    [Fact]
    public async Task A_snapshot_is_read_only_and_a_clone_is_not()
    {
        var volume = await Harness.CreateAsync(1 << 20);
        var snapshot = await Harness.SnapshotAsync(volume.Key);
        snapshot.Should().Match<VolumeInfo>(v => !v.ReadWrite && v.VirtualSize == volume.VirtualSize && v.Name == volume.Name && v.DataId != volume.DataId);
        (await Harness.CloneAsync(snapshot.Key)).ReadWrite.Should().BeTrue();
        (await Harness.ManagedAsync()).Should().HaveCount(3);
        var shrink = async () => await Harness.Sr.ResizeAsync(volume.Key, 512, default);
        (await shrink.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeSize);
    }

    [Fact]
    public async Task A_broken_list_is_no_empty_one()
    {
        await Harness.CreateAsync(512);
        var list = Directory.EnumerateFiles(Harness.Root).Single();
        await File.WriteAllTextAsync(list, "[{\"uuid\":");
        var attach = Harness.ReattachAsync;
        (await attach.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.SrUnavailable);
        (await File.ReadAllTextAsync(list)).Should().StartWith("[{");
    }
}
