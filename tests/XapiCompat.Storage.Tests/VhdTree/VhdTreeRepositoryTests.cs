using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

public sealed class VhdTreeRepositoryTests : RepositoryContractTests
{
    protected override IStoragePlugin NewPlugin(string root) => Trees.NewPlugin(root);

    [Fact]
    public async Task Two_repositories_never_share_a_directory()
    {
        using var root = new TempDirectory();
        var (one, other) = (new SrConfiguration(Guid.NewGuid(), new Dictionary<string, string>()), new SrConfiguration(Guid.NewGuid(), new Dictionary<string, string>()));
        var claims = new DirectoryClaims();
        VhdTreePlugin Plugin() => new([root.Path], Trees.TypeAt(_ => root.File("shared")), TimeProvider.System, claims: claims);
        await Plugin().CreateAsync(one, default);
        var attached = await Plugin().AttachAsync(one, default);
        var attach = async () => await Plugin().AttachAsync(other, default);
        (await attach.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.SrInUse);
        var create = async () => await Plugin().CreateAsync(other, default);
        (await create.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.SrCreateFailed);
        await attached.DisposeAsync();
        await (await Plugin().AttachAsync(other, default)).DisposeAsync();
    }

    [Fact]
    public async Task A_repository_is_closed_when_nobody_uses_it()
    {
        var volume = await Harness.CreateAsync(1);
        await using var sr = new AttachedSr(Guid.NewGuid(), Harness.Sr);
        await using (await sr.OpenAsync(volume.Key, DatapathMode.Read, default))
            sr.TryClose().Should().Equal(volume.Key);
        sr.TryClose().Should().BeEmpty();
        var open = async () => await sr.OpenAsync(volume.Key, DatapathMode.Read, default);
        (await open.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.SrUnavailable);
        sr.Reopen();
        await (await sr.OpenAsync(volume.Key, DatapathMode.ReadWrite, default)).DisposeAsync();
    }
}
