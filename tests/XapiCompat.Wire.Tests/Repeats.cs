using System.Globalization;

namespace XapiCompat.Wire.Tests;

/// <summary>Counts and seeds of random tests, from the environment.</summary>
internal static class Repeats
{
    public static int Seed =>
        int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next();

    public static int Count(int test, int soak) =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK")) ? test : soak;
}
