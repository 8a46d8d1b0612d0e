using FluentAssertions;
using XapiCompat.Storage.Iso;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Storage.Tests.Iso;

public sealed class IsoContractTests : RepositoryContractTests
{
    private static readonly Dictionary<string, string> NoParams = [];

    protected override IStoragePlugin NewPlugin(string root) => new IsoPlugin([root], new RemotePlaces(root));

    protected override IReadOnlyDictionary<string, string> DeviceConfig(string root) =>
        new Dictionary<string, string> { ["location"] = Directory.CreateDirectory(Path.Combine(root, "images")).FullName, ["legacy_mode"] = "true" };

    private string Images => Path.Combine(Harness.Root, "images");

    [Fact]
    public async Task Files_become_read_only_volumes_that_are_called_as_they_are()
    {
        var uuid = Guid.NewGuid();
        foreach (var name in new[] { "debian 13.iso", "UPPER.ISO", uuid + ".iso", "disk.img", "notes.txt", ".iso", "x.iso.part" })
            await File.WriteAllBytesAsync(Path.Combine(Images, name), [1, 2, 3]);
        Directory.CreateDirectory(Path.Combine(Images, "directory.iso"));
        var found = await Harness.Sr.ListAsync(default);
        found.Select(v => v.Key).Should().BeEquivalentTo("debian 13.iso", "UPPER.ISO", uuid + ".iso", "disk.img");
        found.Should().OnlyContain(v => !v.ReadWrite && v.VirtualSize == 3 && v.PhysicalUtilisation == 3 && v.Name == v.Key && v.Managed);
        found.Single(v => v.Uuid is not null).Uuid.Should().Be(uuid);
        (await Harness.ReadAsync("disk.img")).Should().Equal(1, 2, 3);
        var write = async () => await Harness.OpenAsync("disk.img", DatapathMode.ReadWrite);
        (await write.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeUnavailable);
        await Harness.Sr.SetNameAsync("disk.img", "other", "", default);
        (await Harness.StatAsync("disk.img")).Name.Should().Be("disk.img");
        await Harness.DestroyAsync("disk.img");
        File.Exists(Path.Combine(Images, "disk.img")).Should().BeFalse();
    }

    [Fact]
    public async Task Links_that_lead_out_show_nothing()
    {
        using var elsewhere = new TempDirectory();
        await File.WriteAllTextAsync(elsewhere.File("secret.iso"), "secret");
        File.CreateSymbolicLink(Path.Combine(Images, "link.iso"), elsewhere.File("secret.iso"));
        await File.WriteAllTextAsync(Path.Combine(Images, "own.iso"), "own");
        File.CreateSymbolicLink(Path.Combine(Images, "inner.iso"), Path.Combine(Images, "own.iso"));
        (await Harness.Sr.ListAsync(default)).Select(v => v.Key).Should().Equal("inner.iso", "own.iso");
        var open = async () => await Harness.OpenAsync("link.iso", DatapathMode.Read);
        (await open.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(StorageFault.VolumeDoesNotExist);
    }

    [Fact]
    public async Task A_created_image_is_filled_and_keeps_its_name()
    {
        var changes = await Harness.Sr.CreateVolumeAsync(
            new VolumeSpec(Guid.NewGuid(), "mine", "", 1000, true, new Dictionary<string, string> { ["path"] = "my-image.iso" }), default);
        changes.Volume!.Key.Should().Be("my-image.iso");
        await Harness.WriteAsync("my-image.iso", 10, new byte[] { 7 });
        await Harness.ReattachAsync();
        (await Harness.ReadAsync("my-image.iso"))[10].Should().Be(7);
        (await Harness.StatAsync("my-image.iso")).Should().Match<VolumeInfo>(v => v.Name == "mine" && v.Uuid == changes.Volume.Uuid && v.Sharable && v.VirtualSize == 1024);
        foreach (var (path, fault) in new[]
        {
            ("my-image.iso", StorageFault.VolumeExists), ("../up.iso", StorageFault.VolumeCreate), ("noise.txt", StorageFault.VolumeCreate), ("", StorageFault.VolumeCreate),
        })
        {
            var create = async () => await Harness.Sr.CreateVolumeAsync(
                new VolumeSpec(Guid.NewGuid(), "", "", 1, false, new Dictionary<string, string> { ["path"] = path }), default);
            (await create.Should().ThrowAsync<StorageException>(path)).Which.Fault.Should().Be(fault);
        }

        (await Harness.DestroyAsync(changes.Volume.Uuid!.Value.ToString("D"))).Removed.Should().Equal("my-image.iso");
        var uuid = Guid.NewGuid();
        await Harness.Sr.CreateVolumeAsync(new VolumeSpec(uuid, "", "", 1, false, NoParams), default);
        (await Harness.DestroyAsync(uuid.ToString("D"))).Removed.Should().Equal(uuid + ".img");
    }

    [Theory]
    [InlineData("", StorageFault.LocationMissing)]
    [InlineData("/etc", StorageFault.IsoLocalPath)]
    [InlineData("$/missing", StorageFault.IsoLocalPath)]
    [InlineData("$/../..", StorageFault.IsoLocalPath)]
    [InlineData("server:/a/../..", StorageFault.ServerPathBad)]
    [InlineData("//server", StorageFault.ServerPathBad)]
    public async Task A_location_is_below_a_root(string location, StorageFault fault)
    {
        var config = new SrConfiguration(Guid.NewGuid(), new Dictionary<string, string> { ["location"] = location.Replace("$", Harness.Root, StringComparison.Ordinal) });
        foreach (var use in new Func<Task>[]
        {
            async () => await NewPlugin(Harness.Root).CreateAsync(config, default),
            async () => await NewPlugin(Harness.Root).AttachAsync(config, default),
        })
        {
            (await use.Should().ThrowAsync<StorageException>()).Which.Fault.Should().Be(fault);
        }
    }

    [Theory]
    [InlineData("filer:/exports/iso", "nfs/filer/exports/iso")]
    [InlineData("//filer/share", "smb/filer/share")]
    [InlineData("\\\\filer\\share\\deep", "smb/filer/share/deep")]
    public async Task Servers_are_directories_below_the_root(string location, string directory)
    {
        var config = new SrConfiguration(Guid.NewGuid(), new Dictionary<string, string> { ["location"] = location, ["iso_path"] = "/sub" });
        var plugin = NewPlugin(Harness.Root);
        await plugin.CreateAsync(config, default);
        await File.WriteAllTextAsync(Path.Combine(Harness.Root, directory, "sub", "a.iso"), "a");
        await using var sr = await plugin.AttachAsync(config, default);
        (await sr.ListAsync(default)).Should().ContainSingle();
    }
}
