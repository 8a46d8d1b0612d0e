using System.Xml.Linq;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Architecture;

/// <summary>The dependency directions of docs/architecture.md, as the project files have them.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, string[]> Drawn = new(StringComparer.Ordinal)
    {
        ["Values"] = [],
        ["Wire"] = ["Values"],
        ["Datamodel"] = ["Values"],
        ["XeCli"] = ["Wire", "Datamodel", "Values"],
        ["Xe"] = ["Wire"],
        ["Store"] = ["Datamodel", "Values"],
        ["Disks"] = [],
        ["Nbd"] = ["Disks"],
        ["Storage"] = ["Disks"],
        ["Storage.VhdTree"] = ["Storage", "Disks"],
        ["Storage.Iso"] = ["Storage", "Disks"],
        ["Storage.Dummy"] = ["Storage", "Disks"],
        ["Core"] = ["Store", "Storage", "Disks", "Datamodel", "Values"],
        ["Server"] = ["Core", "XeCli", "Wire", "Storage.VhdTree", "Storage.Iso", "Storage.Dummy", "Storage", "Store", "Disks", "Nbd", "Datamodel", "Values"],
    };

    private static readonly Dictionary<string, string[]> Packages = new(StringComparer.Ordinal)
    {
        ["Store"] = ["Dapper", "Microsoft.Data.Sqlite.Core", "SQLitePCLRaw.bundle_e_sqlite3"],
    };

    public static TheoryData<string> Projects => new(Directory.GetDirectories(Repository.File("src")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_what_is_drawn(string project)
    {
        var name = Short(project);
        Drawn.Should().ContainKey(name, "a new project needs a place in the drawing");
        var file = Load(project);
        References(file, "ProjectReference").Select(r => Short(Path.GetFileNameWithoutExtension(r))).Should().BeSubsetOf(Drawn[name]);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Foreign_packages_stand_only_where_they_belong(string project)
    {
        var name = Short(project);
        var file = Load(project);
        References(file, "PackageReference").Should().BeSubsetOf(Packages.GetValueOrDefault(name, []));
        var usesWeb = (string?)file.Root!.Attribute("Sdk") == "Microsoft.NET.Sdk.Web" || References(file, "FrameworkReference").Any();
        usesWeb.Should().Be(name == "Server");
    }

    [Fact]
    public void Every_drawn_project_exists() =>
        Directory.GetDirectories(Repository.File("src")).Select(d => Short(Path.GetFileName(d)!)).Should().BeEquivalentTo(Drawn.Keys);

    [Theory]
    [InlineData("Microsoft.AspNetCore", "Server")]
    [InlineData("Kestrel", "Server")]
    [InlineData("Dapper", "Store")]
    [InlineData("Sqlite", "Store")]
    [InlineData("using XapiCompat.Storage.VhdTree", "Server")]
    public void A_technology_is_named_in_one_project_only(string word, string home)
    {
        var elsewhere = Repository.Sources(Repository.File("src"), "*.cs")
            .Where(f => Short(Path.GetRelativePath(Repository.File("src"), f).Split('/')[0]) is var project && project != home && project != "Storage.VhdTree")
            .SelectMany(f => File.ReadLines(f).Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal) && l.Contains(word, StringComparison.OrdinalIgnoreCase)).Select(l => f + ": " + l));
        elsewhere.Should().BeEmpty();
    }

    [Fact]
    public void The_wire_knows_no_class_of_the_XenAPI()
    {
        var lines = Repository.Sources(Repository.File("src", "XapiCompat.Wire"), "*.cs").SelectMany(File.ReadLines)
            .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal));
        lines.Should().NotContain(l => l.Contains("OpaqueRef", StringComparison.Ordinal) || l.Contains("HANDLE_INVALID", StringComparison.Ordinal)
            || l.Contains("\"VM", StringComparison.Ordinal) || l.Contains("\"VDI", StringComparison.Ordinal) || l.Contains("\"session", StringComparison.Ordinal));
    }

    [Fact]
    public void No_product_project_refers_to_tests() =>
        Directory.GetDirectories(Repository.File("src"))
            .SelectMany(d => References(Load(Path.GetFileName(d)), "ProjectReference"))
            .Should().NotContain(r => r.Contains("/tests/", StringComparison.Ordinal));

    private static IEnumerable<string> References(XDocument file, string kind) =>
        file.Descendants(kind).Select(r => (string)r.Attribute("Include")!);

    private static XDocument Load(string project) => XDocument.Load(Repository.File("src", project, project + ".csproj"));

    private static string Short(string project) => project["XapiCompat.".Length..];
}
