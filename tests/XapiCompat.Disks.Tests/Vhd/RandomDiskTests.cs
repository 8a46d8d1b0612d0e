using FluentAssertions;
using XapiCompat.Testing;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>Random programs on a chain of files, judged by an array of bytes.</summary>
public sealed class RandomDiskTests(ITestOutputHelper output)
{
    private static bool IsSoak => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK"));

    [Fact]
    public async Task Disks_behave_like_arrays_of_bytes()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), out var given) ? given : Random.Shared.Next();
        var programs = IsSoak ? 20_000 : 500;
        output.WriteLine("seed " + seed + ", programs " + programs);
        var (operations, deepest) = (0L, 0);
        for (var program = 0; program < programs; program++)
        {
            using var directory = new TempDirectory();
            var run = new DiskProgram(directory, new Random(HashCode.Combine(seed, program)), 1 + program % 30);
            try
            {
                await run.RunAsync();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException("seed " + seed + ", program " + program + ": " + run.Log, exception);
            }

            operations += run.Operations;
            deepest = Math.Max(deepest, run.Deepest);
        }

        output.WriteLine("operations " + operations + ", deepest chain " + deepest);
        deepest.Should().Be(30);
    }
}
