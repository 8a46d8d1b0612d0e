using FluentAssertions;
using XapiCompat.Disks.Vhd;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Files in a directory that are not what their names say, and disks whose place in the tree cannot be known.</summary>
public sealed class OddFileTests
{
    public static TheoryData<string, bool> Places
    {
        get
        {
            var places = new TheoryData<string, bool>();
            foreach (var name in (string[])["{0}.vhd", "{0}.raw", "{0}.cbtlog", "{1}.cbtlog", "{1}.meta", "{1}.vhd.new", "{0}.vhd.tmp", "coalesce_{1}", "relink_{1}", "leaf_{1}"])
            {
                places.Add(name, false);
                places.Add(name, true);
            }

            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Links_and_pipes_are_neither_followed_nor_waited_for(string name, bool isLink)
    {
        await using var scene = await TreeScene.BuildAsync(new());
        await scene.DetachAsync();
        var place = Path.Combine(scene.Directory, string.Format(System.Globalization.CultureInfo.InvariantCulture, name, Guid.NewGuid(), scene.Root));
        var elsewhere = Path.Combine(Path.GetDirectoryName(scene.Directory)!, "elsewhere");
        await File.WriteAllBytesAsync(elsewhere, await DamagedAsync(scene));
        var before = await File.ReadAllBytesAsync(elsewhere);
        File.Delete(place);
        if (isLink)
            File.CreateSymbolicLink(place, elsewhere);
        else
            RequiredTool.Run(RequiredTool.Find("mkfifo"), place).ExitCode.Should().Be(0);

        await InTimeAsync(async () => await scene.CheckAsync());
        await InTimeAsync(async () => await scene.CheckAsync(repair: true));
        await InTimeAsync(scene.ReattachAsync);
        (await scene.ManagedAsync()).Should().BeEquivalentTo(scene.Expected.Keys);
        if (!name.EndsWith(".vhd", StringComparison.Ordinal))
            await scene.VerifyAsync(name);
        (await File.ReadAllBytesAsync(elsewhere)).Should().Equal(before);
        Directory.EnumerateFileSystemEntries(scene.Directory).Should().Contain(place);
        new FileInfo(place).LinkTarget.Should().Be(isLink ? elsewhere : null, "what is not understood is not touched");
        await scene.DetachAsync();
        File.Delete(place);
        File.Delete(elsewhere);
    }

    [Fact]
    public async Task A_file_that_lost_its_end_with_blocks_in_it_is_no_disk()
    {
        await using var scene = await TreeScene.BuildAsync(new());
        await scene.DetachAsync();
        using (var file = File.Open(scene.PathOf(scene.Root), FileMode.Open))
            file.SetLength(file.Length - (1 << 20));
        var before = scene.Fingerprint();
        await scene.ReattachAsync();
        scene.Sr.Problems.Should().ContainSingle(p => p.Contains(scene.Root) && p.Contains(nameof(VhdFormatError.BlockPastEnd)));
        (await scene.ManagedAsync()).Should().BeEquivalentTo(scene.Expected.Keys.Except([scene.Root]));
        scene.Fingerprint().Should().BeEquivalentTo(before);
    }

    [Fact]
    public async Task A_base_stays_while_a_disk_of_another_name_may_be_on_it()
    {
        await using var scene = await TreeScene.BuildAsync(new());
        await scene.DetachAsync();
        var parent = scene.BaseOf(scene.Lonely);
        var stranger = Path.Combine(scene.Directory, "Disk 1.vhd");
        File.Move(scene.PathOf(scene.Lonely), stranger);
        var slots = scene.Expected[scene.Lonely];
        scene.Expected.Remove(scene.Lonely);
        (await scene.CheckAsync(repair: true)).Findings.Should().Contain(f => f.Code == "abandoned-base" && f.Level == FindingLevel.Error);
        await scene.ReattachAsync();
        scene.Sr.Problems.Should().ContainSingle(p => p.Contains("Disk 1.vhd"));
        await Collecting.RunAsync(scene.Sr);
        File.Exists(scene.PathOf(parent)).Should().BeTrue();

        File.Move(stranger, scene.PathOf(scene.Lonely));
        scene.Expected[scene.Lonely] = slots;
        await scene.ReattachAsync();
        await scene.VerifyAsync("it has a name again");
    }

    /// <summary>A disk that a repair would write to.</summary>
    private static async Task<byte[]> DamagedAsync(TreeScene scene)
    {
        var bytes = await File.ReadAllBytesAsync(scene.PathOf(scene.Root));
        bytes.AsSpan(0, 8).Fill(0x55);
        return bytes;
    }

    /// <summary>Opening a pipe would wait for somebody at its other end.</summary>
    private static Task InTimeAsync(Func<Task> action) => Task.Run(action).WaitAsync(TimeSpan.FromSeconds(60));
}
