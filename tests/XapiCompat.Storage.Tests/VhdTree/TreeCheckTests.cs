using FluentAssertions;
using XapiCompat.Disks.Vhd;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Damage of each kind, planted in a tree: found, repaired where that is safe, and the data of all else untouched.</summary>
public sealed class TreeCheckTests
{
    private static readonly Dictionary<string, (string Code, FindingLevel Level, Func<TreeScene, Task> Plant)> Damages = new()
    {
        ["a footer overwritten"] = ("vhd-FooterCookie", FindingLevel.Repairable, t => OverwriteAsync(t.Volume, t, -512, 0x55)),
        ["a footer with a wrong byte"] = ("vhd-FooterChecksum", FindingLevel.Repairable, t => OverwriteAsync(t.Volume, t, -500, 0x55, 1)),
        ["a footer taken back"] = ("vhd-FooterCookie", FindingLevel.Note, t => OverwriteAsync(t.Volume, t, -512, 0)),
        ["a footer copy overwritten"] = ("vhd-FooterCookie", FindingLevel.Repairable, t => OverwriteAsync(t.Volume, t, 0, 0x55)),
        ["a base's footer overwritten"] = ("vhd-FooterCookie", FindingLevel.Repairable, t => OverwriteAsync(t.BaseOf(t.Volume), t, -512, 0x55)),
        ["both footers overwritten"] = ("vhd-FooterCookie", FindingLevel.Error, async t =>
        {
            await OverwriteAsync(t.Root, t, 0, 0x55);
            await OverwriteAsync(t.Root, t, -512, 0x55);
        }
        ),
        ["footers of different sizes"] = ("vhd-FooterDisagreement", FindingLevel.Error, t => EditFooterAsync(t.Root, t, -512, f => f with { CurrentSize = f.CurrentSize * 2 })),
        ["a header with a wrong byte"] = ("vhd-HeaderChecksum", FindingLevel.Error, t => OverwriteAsync(t.Root, t, 512 + 40, 0x55, 1)),
        ["a block past the end"] = ("vhd-BlockPastEnd", FindingLevel.Error, t => OverwriteAsync(t.Root, t, 1536, [0x00, 0x70, 0x00, 0x00])),
        ["a block in the header"] = ("vhd-BlockOverlapsMetadata", FindingLevel.Error, t => OverwriteAsync(t.Root, t, 1536, [0, 0, 0, 1])),
        ["two blocks in one place"] = ("vhd-BlockOverlapsBlock", FindingLevel.Error, t => CopyAsync(t.Root, t, 1536, 1540, 4)),
        ["a file cut in a block"] = ("vhd-BlockPastEnd", FindingLevel.Error, t => CutAsync(t.Root, t, 1 << 20)),
        ["an empty file"] = ("vhd-TooShort", FindingLevel.Error, t => CutAsync(t.Root, t, long.MaxValue)),
        ["a base removed"] = ("orphan", FindingLevel.Error, t =>
        {
            File.Delete(t.PathOf(t.BaseOf(t.Volume)));
            return Task.CompletedTask;
        }
        ),
        ["a base replaced by another disk"] = ("other-parent", FindingLevel.Error, async t =>
        {
            await using var file = VhdFile.Open(t.PathOf(t.BaseOf(t.Volume)), VhdAccess.ReadWrite);
            await file.SetUniqueIdAsync(Guid.NewGuid());
        }
        ),
        ["a parent elsewhere"] = ("foreign-parent", FindingLevel.Error, t => AddAsync(t, new() { ParentName = "elsewhere.vhd" })),
        ["two files that are each other's parents"] = ("loop", FindingLevel.Error, async t =>
        {
            var (one, other) = (Guid.NewGuid(), Guid.NewGuid());
            await AddAsync(t, new() { Id = one, UniqueId = one, ParentName = other + ".vhd", ParentId = other });
            await AddAsync(t, new() { Id = other, UniqueId = other, ParentName = one + ".vhd", ParentId = one });
        }
        ),
        ["a base that is not hidden"] = ("not-hidden", FindingLevel.Repairable, async t =>
        {
            await using var file = VhdFile.Open(t.PathOf(t.BaseOf(t.Volume)), VhdAccess.ReadWrite);
            await file.SetHiddenAsync(false);
        }
        ),
        ["a base that nobody is on"] = ("abandoned-base", FindingLevel.Repairable, t => AddAsync(t, new() { Hidden = true })),
        ["a child smaller than its parent"] = ("size", FindingLevel.Error, t => AddAsync(t, new() { Size = 2 << 20, Below = t.BaseOf(t.Volume) })),
        ["a deep chain"] = ("depth", FindingLevel.Note, async t =>
        {
            var below = t.BaseOf(t.Volume);
            for (var depth = 2; depth <= 31; depth++)
            {
                var id = Guid.NewGuid();
                await AddAsync(t, new() { Id = id, Below = below, Hidden = depth < 31 });
                below = id.ToString();
            }
        }
        ),
        ["a replacement that was not put in place"] = ("stale-temporary", FindingLevel.Repairable, t => t.PutAsync(t.Volume + ".vhd.new", "x")),
        ["a replacement of nothing"] = ("stale-temporary", FindingLevel.Error, t => t.PutAsync(Guid.NewGuid() + ".vhd.new", "x")),
        ["a file that did not become one"] = ("stale-temporary", FindingLevel.Repairable, t => t.PutAsync(Guid.NewGuid() + ".vhd.tmp", "x")),
        ["notes that did not become some"] = ("stale-temporary", FindingLevel.Repairable, t => t.PutAsync(t.Volume + ".meta.new", "{")),
        ["notes of nothing"] = ("stale-notes", FindingLevel.Repairable, t => t.PutAsync(Guid.NewGuid() + ".meta", "{}")),
        ["notes that cannot be read"] = ("notes", FindingLevel.Error, t => t.PutAsync(t.Volume + ".meta", "not JSON")),
        ["a file of somebody else"] = ("foreign-name", FindingLevel.Note, t => t.PutAsync("photo.jpg", "x")),
        ["a directory named like a disk"] = ("foreign-name", FindingLevel.Note, t =>
        {
            Directory.CreateDirectory(Path.Combine(t.Directory, "old.vhd"));
            return Task.CompletedTask;
        }
        ),
    };

    public static TheoryData<string> Names() => [.. Damages.Keys];

    [Fact]
    public async Task A_sound_tree_has_no_findings()
    {
        await using var scene = await TreeScene.BuildAsync(new());
        (await scene.CheckAsync()).Findings.Should().BeEmpty();
        (await scene.CheckAsync()).Volumes.Where(v => v.Managed).Select(v => v.Key).Should().BeEquivalentTo(scene.Expected.Keys);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Planted_damage_is_found_and_repaired_where_it_is_safe(string name)
    {
        var (code, level, plant) = Damages[name];
        await using var scene = await TreeScene.BuildAsync(new());
        await scene.DetachAsync();
        await plant(scene);
        var before = scene.Fingerprint();

        var found = (await scene.CheckAsync()).Findings;
        found.Should().Contain(f => f.Code == code && f.Level == level, string.Join("\n", found));
        scene.Fingerprint().Should().BeEquivalentTo(before, "looking changes nothing");

        var repaired = (await scene.CheckAsync(repair: true)).Findings;
        if (level == FindingLevel.Repairable)
        {
            repaired.Should().OnlyContain(f => f.Level == FindingLevel.Repaired && f.Code == code, string.Join("\n", repaired));
            (await scene.CheckAsync()).Findings.Should().BeEmpty();
            await scene.ReattachAsync();
            await scene.VerifyAsync(name);
        }
        else
        {
            repaired.Should().BeEquivalentTo(found);
            scene.Fingerprint().Should().BeEquivalentTo(before, "what is not understood is not touched");
        }
    }

    private static Task OverwriteAsync(string key, TreeScene scene, long offset, byte value, int count = 512) =>
        OverwriteAsync(key, scene, offset, [.. Enumerable.Repeat(value, count)]);

    private static async Task OverwriteAsync(string key, TreeScene scene, long offset, byte[] bytes)
    {
        await using var file = File.Open(scene.PathOf(key), FileMode.Open);
        file.Seek(offset, offset < 0 ? SeekOrigin.End : SeekOrigin.Begin);
        await file.WriteAsync(bytes);
    }

    private static async Task CopyAsync(string key, TreeScene scene, int from, int to, int count)
    {
        var bytes = await File.ReadAllBytesAsync(scene.PathOf(key));
        await OverwriteAsync(key, scene, to, bytes[from..(from + count)]);
    }

    private static async Task EditFooterAsync(string key, TreeScene scene, long offset, Func<Footer, Footer> change)
    {
        var bytes = (await File.ReadAllBytesAsync(scene.PathOf(key)))[^512..];
        Footer.TryRead(bytes, out var footer, out _).Should().BeTrue();
        change(footer).Write(bytes);
        await OverwriteAsync(key, scene, offset, bytes);
    }

    private static Task CutAsync(string key, TreeScene scene, long bytes)
    {
        using var file = File.Open(scene.PathOf(key), FileMode.Open);
        file.SetLength(Math.Max(0, file.Length - bytes));
        return Task.CompletedTask;
    }

    private static async Task AddAsync(TreeScene scene, NewFile file)
    {
        var (parentName, parentId) = (file.ParentName, file.ParentId);
        if (file.Below is { } below)
        {
            await using var parent = VhdFile.Open(scene.PathOf(below), VhdAccess.Read);
            (parentName, parentId) = (below + ".vhd", parent.UniqueId);
        }

        await using var made = VhdFile.Create(scene.PathOf(file.Id.ToString()), new VhdCreateOptions
        {
            VirtualSize = file.Size,
            UniqueId = file.UniqueId,
            DiskType = parentName.Length > 0 ? VhdDiskType.Differencing : VhdDiskType.Dynamic,
            ParentName = parentName,
            ParentUniqueId = parentId,
            Hidden = file.Hidden,
        });
    }

    private sealed record NewFile
    {
        public Guid Id { get; init; } = Guid.NewGuid();

        public Guid UniqueId { get; init; } = Guid.NewGuid();

        public string ParentName { get; init; } = "";

        public Guid ParentId { get; init; } = Guid.NewGuid();

        public string? Below { get; init; }

        public long Size { get; init; } = TreeScene.Size;

        public bool Hidden { get; init; }
    }
}
