using FluentAssertions;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api;

/// <summary>A text file of names, one a line, with an optional reason behind the first blank; <c>#</c> starts a comment.</summary>
internal static class PinnedList
{
    public static IReadOnlyDictionary<string, string> Read(string name) =>
        File.ReadLines(PathOf(name))
            .Select(l => l.Trim())
            .Where(l => l.Length > 0 && !l.StartsWith('#'))
            .Select(l => l.Split(' ', 2))
            .ToDictionary(p => p[0], p => p.Length > 1 ? p[1].Trim() : "", StringComparer.Ordinal);

    /// <summary>Compares the file with reality, both ways.</summary>
    public static void ShouldBe(string name, IEnumerable<string> reality)
    {
        var now = reality.Order(StringComparer.Ordinal).ToList();
        var pinned = Read(name).Keys.ToList();
        var actual = Path.Combine(AppContext.BaseDirectory, name + ".actual");
        File.WriteAllLines(actual, now);
        now.Except(pinned).Should().BeEmpty("nothing may join " + name + " (reality is in " + actual + ")");
        pinned.Except(now).Should().BeEmpty("what is built leaves " + name + " (reality is in " + actual + ")");
        pinned.Should().BeInAscendingOrder(StringComparer.Ordinal);
    }

    private static string PathOf(string name) => Repository.File("tests", "XapiCompat.Server.Tests", "Api", name);
}
