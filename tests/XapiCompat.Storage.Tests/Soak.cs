namespace XapiCompat.Storage.Tests;

/// <summary>Counts of long runs and seeds of random ones come from the environment.</summary>
internal static class Soak
{
    public static bool On => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK"));

    public static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var seed) ? seed : Random.Shared.Next();
}
