using System.Security.Cryptography;
using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Storage.VhdTree;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>
/// The collector beside files that are no usable part of a tree: it goes on where it is known that they do not stand on what is
/// merged, and nowhere else.
/// </summary>
public sealed class BrokenNeighbourTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private readonly TempDirectory _root = new();
    private readonly SrConfiguration _configuration = new(Guid.NewGuid(), NoParams);
    private readonly Dictionary<string, byte[]> _expected = [];
    private Action<string>? _step;
    private ISr _sr = null!;

    private string Folder => Trees.DirectoryOf(_root.Path, _configuration);

    public async Task InitializeAsync()
    {
        await NewPlugin().CreateAsync(_configuration, default);
        _sr = await NewPlugin().AttachAsync(_configuration, default);
    }

    public async Task DisposeAsync()
    {
        await _sr.DisposeAsync();
        _root.Dispose();
    }

    /// <summary>What a broken file has to do with the tree beside it, when it says so.</summary>
    public static TheoryData<string> Known => new("another parent of that name", "a parent under a path", "a damaged header", "a bad block size");

    [Theory]
    [MemberData(nameof(Known))]
    public async Task The_tree_that_a_broken_file_names_is_left_alone_and_others_are_merged(string kind)
    {
        var near = await TreeAsync();
        var far = await TreeAsync();
        var broken = Plant(kind, near);
        var before = Files();
        await _sr.ListAsync(default);
        _sr.Problems.Should().ContainSingle();

        (await Collecting.RunAsync(_sr)).Should().NotBeEmpty();
        await VerifyAsync();
        Chain(far).Should().HaveCount(1);
        Chain(near).Should().HaveCount(4);
        Untouched(before, [broken, .. Chain(near)]);

        // Nothing that the file may stand on goes with the last disk that is seen on it, nor at the next start.
        var bases = Chain(near).Skip(1).ToList();
        await _sr.DestroyVolumeAsync(near, default);
        _expected.Remove(near);
        await Collecting.RunAsync(_sr);
        await ReattachAsync();
        await Collecting.RunAsync(_sr);
        Untouched(before, [broken, .. bases]);
        await VerifyAsync();

        File.Delete(PathOf(broken));
        await _sr.ListAsync(default);
        await Collecting.RunAsync(_sr);
        bases.Should().OnlyContain(key => !File.Exists(PathOf(key)));
        await VerifyAsync();
    }

    public static TheoryData<string> Nothing => new("a damaged root", "a damaged root and its child", "two parents of each other");

    [Theory]
    [MemberData(nameof(Nothing))]
    public async Task A_broken_file_that_stands_on_none_of_the_others_stops_nothing(string kind)
    {
        var one = await TreeAsync();
        var other = await TreeAsync();
        var broken = PlantApart(kind);
        var before = Files();
        await _sr.ListAsync(default);
        _sr.Problems.Should().HaveCount(broken.Count);

        await Collecting.RunAsync(_sr);
        Chain(one).Should().HaveCount(1);
        Chain(other).Should().HaveCount(1);
        Untouched(before, broken);
        await VerifyAsync();
    }

    public static TheoryData<string> Anything => new(
        "no VHD", "an empty file", "a start only", "a header of zeroes", "a parent that is not here", "a path to nowhere", "a damaged header for another disk", "a link");

    [Theory]
    [MemberData(nameof(Anything))]
    public async Task A_file_that_may_stand_on_any_other_stops_all_work(string kind)
    {
        var one = await TreeAsync();
        var other = await TreeAsync();
        var broken = Plant(kind, one);
        var before = Files();
        await _sr.ListAsync(default);
        _sr.Problems.Should().ContainSingle();

        (await Collecting.RunAsync(_sr)).Should().BeEmpty();
        var bases = Chain(one).Skip(1).ToList();
        await _sr.DestroyVolumeAsync(one, default);
        _expected.Remove(one);
        (await Collecting.RunAsync(_sr)).Should().BeEmpty();
        await ReattachAsync();
        (await Collecting.RunAsync(_sr)).Should().BeEmpty();
        Untouched(before, [broken, .. bases, .. Chain(other)]);
        await VerifyAsync();

        File.Delete(PathOf(broken));
        await _sr.ListAsync(default);
        await Collecting.RunAsync(_sr);
        bases.Should().OnlyContain(key => !File.Exists(PathOf(key)));
        Chain(other).Should().HaveCount(1);
        await VerifyAsync();
    }

    /// <summary>A merge is decided, its process ends, and then a child of the merged node cannot be read: it must find it again.</summary>
    [Theory]
    [InlineData("relink")]
    [InlineData("delete")]
    public async Task A_merge_that_ended_half_way_keeps_the_node_for_a_child_that_cannot_be_read(string step)
    {
        var leaf = await TreeAsync();
        var clone = (await _sr.CloneAsync(leaf, Guid.NewGuid(), NoParams, default)).Volume!.Key;
        _expected[clone] = _expected[leaf];
        _step = name =>
        {
            if (name.StartsWith(step, StringComparison.Ordinal) && !name.Contains("coalesce", StringComparison.Ordinal))
                throw new SimulatedEnd();
        };
        await FluentActions.Awaiting(() => Collecting.RunAsync(_sr)).Should().ThrowAsync<SimulatedEnd>();
        _step = null;
        var node = Path.GetFileName(Directory.EnumerateFiles(Folder, "relink_*").Single())["relink_".Length..];
        var child = _expected.Keys.Select(PathOf).Concat(Directory.EnumerateFiles(Folder, "*.vhd")).First(f => ParentOf(f) == node || step == "delete");
        var kept = await File.ReadAllBytesAsync(child);
        await File.WriteAllBytesAsync(child, [.. new byte[Footer.Size + DynamicHeader.Size], .. kept.Skip(Footer.Size + DynamicHeader.Size).SkipLast(Footer.Size), .. new byte[Footer.Size]]);

        await ReattachAsync();
        await Collecting.RunAsync(_sr);
        File.Exists(PathOf(node)).Should().BeTrue();
        await ReattachAsync();
        File.Exists(PathOf(node)).Should().BeTrue();

        await File.WriteAllBytesAsync(child, kept);
        await ReattachAsync();
        _sr.Problems.Should().BeEmpty();
        await VerifyAsync();
        await Collecting.RunAsync(_sr);
        await VerifyAsync();
        Directory.EnumerateFiles(Folder, "relink_*").Should().BeEmpty();
    }

    private VhdTreePlugin NewPlugin() => Trees.NewPlugin(_root.Path, new() { FaultPoint = name => _step?.Invoke(name) });

    private async Task ReattachAsync()
    {
        await _sr.DisposeAsync();
        _sr = await NewPlugin().AttachAsync(_configuration, default);
    }

    /// <summary>A leaf on three bases, with nobody else on them.</summary>
    private async Task<string> TreeAsync()
    {
        var key = (await _sr.CreateVolumeAsync(new(Guid.NewGuid(), "v", "", 4 * MiB, false, NoParams), default)).Volume!.Key;
        var snapshots = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            await using (var device = await _sr.OpenAsync(key, DatapathMode.ReadWrite, default))
                await device.WriteAsync(i * 700_000, RandomNumberGenerator.GetBytes(50_000));
            if (i < 3)
                snapshots.Add((await _sr.SnapshotAsync(key, Guid.NewGuid(), NoParams, default)).Volume!.Key);
        }

        foreach (var snapshot in snapshots)
            await _sr.DestroyVolumeAsync(snapshot, default);
        _expected[key] = await ReadAsync(key);
        Chain(key).Should().HaveCount(4);
        return key;
    }

    /// <summary>A file that stands, or may stand, on the second base of a leaf.</summary>
    private string Plant(string kind, string leaf)
    {
        var id = Guid.NewGuid();
        var path = PathOf(id.ToString());
        var parent = Chain(leaf)[2];
        var file = VhdFile.Open(PathOf(parent), VhdAccess.Read);
        var uniqueId = file.UniqueId;
        file.Close();
        switch (kind)
        {
            case "another parent of that name":
                Child(path, parent + ".vhd", Guid.NewGuid());
                break;
            case "a parent under a path":
                Child(path, parent + ".vhd", uniqueId);
                Rewrite(path, header => header with { ParentName = "/elsewhere/base.vhd" });
                break;
            case "a damaged header":
                Child(path, parent + ".vhd", uniqueId);
                Damage(path, Footer.Size + 30);
                break;
            case "a damaged header for another disk":
                Child(path, parent + ".vhd", Guid.NewGuid());
                Damage(path, Footer.Size + 30);
                break;
            case "a bad block size":
                Child(path, parent + ".vhd", uniqueId);
                Rewrite(path, header => header with { BlockSize = 12345 });
                break;
            case "a header of zeroes":
                Child(path, parent + ".vhd", uniqueId);
                Rewrite(path, _ => null);
                break;
            case "a parent that is not here":
                Child(path, Guid.NewGuid() + ".vhd", uniqueId: Guid.NewGuid());
                break;
            case "a path to nowhere":
                Child(path, parent + ".vhd", Guid.NewGuid());
                Rewrite(path, header => header with { ParentName = "../x/" + header.ParentName });
                break;
            case "a start only":
                Child(path, parent + ".vhd", uniqueId);
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..400]);
                break;
            case "an empty file":
                File.WriteAllBytes(path, []);
                break;
            case "a link":
                File.CreateSymbolicLink(path, "/dev/null");
                break;
            default:
                File.WriteAllText(path, "no VHD" + new string('x', 5000));
                break;
        }

        return id.ToString();
    }

    private List<string> PlantApart(string kind)
    {
        var (one, other) = (Guid.NewGuid(), Guid.NewGuid());
        switch (kind)
        {
            case "two parents of each other":
                Child(PathOf(one.ToString()), other + ".vhd", Guid.NewGuid());
                Child(PathOf(other.ToString()), one + ".vhd", Guid.NewGuid());
                return [one.ToString(), other.ToString()];
            case "a damaged root and its child":
                Child(PathOf(other.ToString()), one + ".vhd", Guid.NewGuid());
                break;
        }

        VhdFile.Create(PathOf(one.ToString()), new() { VirtualSize = 4 * MiB, UniqueId = Guid.NewGuid() }).Close();
        Damage(PathOf(one.ToString()), Footer.Size + 30);
        return File.Exists(PathOf(other.ToString())) ? [one.ToString(), other.ToString()] : [one.ToString()];
    }

    private static void Child(string path, string parent, Guid uniqueId) => VhdFile.Create(
        path,
        new() { VirtualSize = 4 * MiB, UniqueId = Guid.NewGuid(), DiskType = VhdDiskType.Differencing, ParentUniqueId = uniqueId, ParentName = parent }).Close();

    private static void Damage(string path, int offset)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[offset] ^= 0xA5;
        File.WriteAllBytes(path, bytes);
    }

    private static void Rewrite(string path, Func<DynamicHeader, DynamicHeader?> change)
    {
        var bytes = File.ReadAllBytes(path);
        var place = bytes.AsSpan(DynamicHeader.UsualOffset, DynamicHeader.Size);
        DynamicHeader.TryRead(place, out var header, out _).Should().BeTrue();
        if (change(header) is { } changed)
            changed.Write(place);
        else
            place.Clear();
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>Keys from a leaf to its root, by the files.</summary>
    private List<string> Chain(string? key)
    {
        var chain = new List<string>();
        for (; key is not null; key = ParentOf(PathOf(key)))
            chain.Add(key);
        return chain;
    }

    private static string? ParentOf(string path)
    {
        var head = File.ReadAllBytes(path).AsSpan(DynamicHeader.UsualOffset, DynamicHeader.Size);
        return DynamicHeader.TryRead(head, out var header, out _) && header.ParentName.Length > 0 ? Path.GetFileNameWithoutExtension(header.ParentName) : null;
    }

    private string PathOf(string key) => Path.Combine(Folder, key + ".vhd");

    private Dictionary<string, string> Files() => Directory.EnumerateFiles(Folder, "*.vhd")
        .ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f))));

    private void Untouched(Dictionary<string, string> before, IEnumerable<string> keys)
    {
        var now = Files();
        foreach (var key in keys)
            now.GetValueOrDefault(key).Should().Be(before[key]);
    }

    private async Task VerifyAsync()
    {
        (await _sr.ListAsync(default)).Where(v => v.Managed).Select(v => v.Key).Should().BeEquivalentTo(_expected.Keys);
        foreach (var (key, data) in _expected)
            (await ReadAsync(key)).AsSpan().SequenceEqual(data).Should().BeTrue();
    }

    private async Task<byte[]> ReadAsync(string key)
    {
        await using var device = await _sr.OpenAsync(key, DatapathMode.Read, default);
        var data = new byte[device.VirtualSize];
        await device.ReadAsync(0, data);
        return data;
    }
}
