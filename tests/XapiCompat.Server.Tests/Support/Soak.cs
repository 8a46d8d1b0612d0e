using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Counts of long programs, and the seed of random ones.</summary>
internal static class Soak
{
    public static bool IsOn { get; } = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK"));

    public static int Count(int test, int soak) => IsOn ? soak : test;

    public static int Seed(ITestOutputHelper output)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine("XAPICOMPAT_SEED=" + seed);
        return seed;
    }
}
