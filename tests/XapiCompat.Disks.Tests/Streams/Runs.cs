using System.Globalization;
using Xunit.Abstractions;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>How often a random test runs, and from which seed; both may be given by the environment.</summary>
internal static class Runs
{
    public static int Count(int test, int soak) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK")) ? test : soak;

    /// <summary>One seed per run: the given or a random one, counted up.</summary>
    public static IEnumerable<Random> Each(int test, int soak, ITestOutputHelper output, Action<int>? starting = null)
    {
        var given = Environment.GetEnvironmentVariable("XAPICOMPAT_SEED");
        var seed = string.IsNullOrEmpty(given) ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        var count = Count(test, soak);
        output.WriteLine($"seed {seed}, {count} runs");
        for (var run = 0; run < count; run++)
        {
            starting?.Invoke(unchecked(seed + run));
            yield return new Random(unchecked(seed + run));
        }
    }
}
