using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

public sealed class ConfinementTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Only_directories_below_a_root_are_used()
    {
        var root = Directory.CreateDirectory(_directory.File("root")).FullName;
        Directory.CreateDirectory(_directory.File("root-beside"));
        Directory.CreateDirectory(_directory.File("outside"));
        Directory.CreateSymbolicLink(Path.Combine(root, "out"), _directory.File("outside"));
        Directory.CreateSymbolicLink(Path.Combine(root, "up"), "..");
        Directory.CreateSymbolicLink(Path.Combine(root, "loop"), "loop");
        Directory.CreateSymbolicLink(Path.Combine(root, "in"), "inside");
        Directory.CreateSymbolicLink(_directory.File("way"), root);

        foreach (var path in new[]
        {
            root, root + "/", root + "/.", "/", "", "relative", "/etc", root + "-beside", root + "/../outside", root + "/a/../../outside",
            root + "/out", root + "/out/new", root + "/up/outside", root + "/loop/x", "/proc/self/root" + root + "/../outside", root + "/\0x",
            root + "/" + new string('x', 300),
        })
        {
            var create = async () => await PluginFor(root, path).CreateAsync(Configuration(), default);
            (await create.Should().ThrowAsync<StorageException>(path)).Which.Fault.Should().Be(StorageFault.SrCreateFailed);
            var attach = async () => await PluginFor(root, path).AttachAsync(Configuration(), default);
            (await attach.Should().ThrowAsync<StorageException>(path)).Which.Fault.Should().Be(StorageFault.SrUnavailable);
        }

        Directory.EnumerateFileSystemEntries(_directory.File("outside")).Should().BeEmpty();
        foreach (var path in new[] { root + "/a", root + "/deep/er", root + "/in/x", _directory.File("way") + "/b" })
        {
            var plugin = PluginFor(root, path);
            await plugin.CreateAsync(Configuration(), default);
            await (await plugin.AttachAsync(Configuration(), default)).DisposeAsync();
            await plugin.DestroyAsync(Configuration(), default);
            Directory.Exists(path).Should().BeFalse();
        }
    }

    [Fact]
    public void What_a_server_exports_is_listed_where_its_directory_leads_nowhere_else()
    {
        var place = _directory.File("remote");
        Directory.CreateDirectory(Path.Combine(place, "nfs", "server", "one"));
        Directory.CreateDirectory(Path.Combine(place, "nfs", "server", "two"));
        Directory.CreateDirectory(_directory.File("outside/secret"));
        Directory.CreateSymbolicLink(Path.Combine(place, "nfs", "other"), _directory.File("outside"));
        Directory.CreateSymbolicLink(Path.Combine(place, "nfs", "alias"), "server");
        Directory.CreateSymbolicLink(_directory.File("way"), place);
        foreach (var places in new[] { new RemotePlaces(place), new RemotePlaces(_directory.File("way")) })
        {
            places.NfsExports("server").Should().Equal("one", "two");
            places.NfsExports("alias").Should().Equal("one", "two");
            places.NfsExports("other").Should().BeEmpty();
            places.NfsExports("missing").Should().BeEmpty();
        }
    }

    private static VhdTreePlugin PluginFor(string root, string path) => new([root], Trees.TypeAt(_ => path), TimeProvider.System);

    private static SrConfiguration Configuration() => new(Guid.NewGuid(), new Dictionary<string, string>());
}
