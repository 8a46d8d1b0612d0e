using System.Text;
using FluentAssertions;
using XapiCompat.Disks.Files;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Disks.Tests;

/// <summary>File calls that follow no link, with the kernel's help and without.</summary>
public sealed class DirectPathTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Inside => _directory.File("inside");

    private string Outside => _directory.File("outside");

    public DirectPathTests()
    {
        foreach (var place in new[] { Inside, Outside })
        {
            Directory.CreateDirectory(Path.Combine(place, "deep"));
            File.WriteAllText(Path.Combine(place, "file"), place);
            File.WriteAllText(Path.Combine(place, "deep", "file"), place);
        }
    }

    public void Dispose()
    {
        LinuxFiles.WithoutRules = false;
        _directory.Dispose();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Files_are_made_read_named_and_removed(bool withoutRules)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems use the class library");
        LinuxFiles.WithoutRules = withoutRules;
        var (one, two) = (Path.Combine(Inside, "one"), Path.Combine(Inside, "two"));
        Write(one, FileMode.CreateNew, "first and long");
        FluentActions.Invoking(() => Write(one, FileMode.CreateNew, "x")).Should().Throw<IOException>();
        Write(one, FileMode.Create, "second");
        DirectPath.Find(one).Should().Match<FileFacts>(f => f.IsPlain && f.Length == 6 && f.Modified == File.GetLastWriteTimeUtc(one));
        Encoding.ASCII.GetString(DirectPath.ReadAllBytes(one)).Should().Be("second");
        DirectPath.TryLink(one, two).Should().BeTrue();
        FluentActions.Invoking(() => DirectPath.TryLink(one, two)).Should().Throw<IOException>();
        DirectPath.Delete(one);
        DirectPath.Delete(one);
        DirectPath.Find(one).Should().BeNull();
        FluentActions.Invoking(() => DirectPath.ReadAllBytes(one)).Should().Throw<FileNotFoundException>();
        DirectPath.Move(two, one);
        DirectPath.FileNames(Inside).Should().BeEquivalentTo("one", "file");
        DirectPath.FileNames(Inside, "o*").Should().Equal("one");
        DirectPath.DirectoryNames(Inside).Should().Equal("deep");
        DirectPath.EntryNames(Inside).Should().BeEquivalentTo("one", "file", "deep");
        DirectPath.MakeDirectory(Path.Combine(Inside, "a", "b"));
        DirectPath.MakeDirectory(Path.Combine(Inside, "a", "b"));
        DirectPath.FlushDirectory(Path.Combine(Inside, "a"));
        FluentActions.Invoking(() => DirectPath.RemoveDirectory(Path.Combine(Inside, "a"))).Should().Throw<IOException>();
        DirectPath.RemoveDirectory(Path.Combine(Inside, "a", "b"));
        DirectPath.EntryNames(Path.Combine(Inside, "a")).Should().BeEmpty();
        DirectPath.Find(Inside).Should().BeNull("it is a directory");
        DirectPath.Find(Path.Combine(one, "below")).Should().BeNull("a file has no files in it");
        DirectPath.Find(Path.Combine(Inside, new string('x', 300))).Should().BeNull("nothing can have that name");
        DirectPath.Find(Path.Combine(Inside, "missing", "file")).Should().BeNull();
        DirectPath.EntryNames("/").Should().NotBeEmpty();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_leads_elsewhere_is_refused(bool withoutRules)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems use the class library");
        LinuxFiles.WithoutRules = withoutRules;
        File.CreateSymbolicLink(Path.Combine(Inside, "link"), Path.Combine(Outside, "file"));
        File.CreateSymbolicLink(Path.Combine(Inside, "dangling"), Path.Combine(Outside, "new"));
        Directory.CreateSymbolicLink(_directory.File("way"), Outside);
        RequiredTool.Run("/usr/bin/mkfifo", Path.Combine(Inside, "pipe"));
        foreach (var path in new[]
        {
            Path.Combine(Inside, "link"), Path.Combine(Inside, "dangling"), Path.Combine(Inside, "pipe"), Path.Combine(Inside, "deep"), "/dev/null",
            Path.Combine(_directory.File("way"), "file"), Path.Combine(_directory.File("way"), "deep", "file"), "/proc/self/root" + Path.Combine(Inside, "file"), "/proc/self/exe", Inside + "/\0file",
        })
        {
            foreach (var mode in new[] { FileMode.Open, FileMode.Create, FileMode.CreateNew })
            {
                foreach (var access in new[] { FileAccess.Read, FileAccess.ReadWrite })
                    FluentActions.Invoking(() => DirectPath.Open(path, mode, access)).Should().Throw<IOException>(path);
            }
        }

        DirectPath.Find(Path.Combine(Inside, "link")).Should().Match<FileFacts?>(f => !f!.Value.IsPlain);
        FluentActions.Invoking(() => DirectPath.Find(Path.Combine(_directory.File("way"), "file"))).Should().Throw<IOException>("that it is not here was not found out");
        var (there, other) = (Path.Combine(_directory.File("way"), "file"), Path.Combine(_directory.File("way"), "other"));
        foreach (var action in new Action[]
        {
            () => DirectPath.Delete(there), () => DirectPath.Move(there, other), () => DirectPath.TryLink(there, other), () => DirectPath.MakeDirectory(other),
            () => DirectPath.RemoveDirectory(Path.Combine(_directory.File("way"), "deep")), () => DirectPath.FlushDirectory(_directory.File("way")),
            () => DirectPath.EntryNames(_directory.File("way")), () => DirectPath.FileNames(_directory.File("way")), () => DirectPath.DirectoryNames(_directory.File("way")),
        })
            action.Should().Throw<IOException>();

        Directory.EnumerateFileSystemEntries(Outside).Should().HaveCount(2);
        File.ReadAllText(Path.Combine(Outside, "file")).Should().Be(Outside);

        // A link is a name like any other for those who take it away or give it to another file.
        DirectPath.Move(Path.Combine(Inside, "dangling"), Path.Combine(Inside, "link"));
        DirectPath.Delete(Path.Combine(Inside, "link"));
        DirectPath.EntryNames(Inside).Should().BeEquivalentTo("file", "deep", "pipe");
    }

    private static void Write(string path, FileMode mode, string text)
    {
        using var file = DirectPath.Open(path, mode, FileAccess.ReadWrite);
        RandomAccess.Write(file, Encoding.ASCII.GetBytes(text), 0);
    }
}
