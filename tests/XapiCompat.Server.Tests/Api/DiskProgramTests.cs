using System.Diagnostics;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Random programs over HTTP against plain byte arrays, and many clones of one snapshot.</summary>
public sealed class DiskProgramTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Random_programs_leave_no_difference()
    {
        var seed = Soak.Seed(output);
        var programs = Soak.Count(100, 1000);
        var steps = 0;
        var compared = 0L;
        var clock = Stopwatch.StartNew();
        // Four at a time: their trees lie in one SR.
        var limits = new ParallelOptions { MaxDegreeOfParallelism = 4 };
        await Parallel.ForEachAsync(Enumerable.Range(0, programs), limits, async (number, _) =>
        {
            var program = new DiskProgram(await DiskClient.LoginAsync(server), new Random(unchecked((seed * 10007) + number)));
            try
            {
                await program.RunAsync(12);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, program {number}: {e.Message}\n{string.Join('\n', program.Log)}", e);
            }

            Interlocked.Add(ref steps, program.Log.Count);
            Interlocked.Add(ref compared, program.ComparedBytes);
        });

        output.WriteLine($"{programs} programs, {steps} steps, {compared >> 20} MiB compared, {clock.Elapsed.TotalSeconds:F1} s");
    }

    [Fact]
    public async Task Many_clones_of_one_snapshot_are_equal_and_as_fast_as_the_first()
    {
        var count = Soak.Count(200, 1000);
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(2 * DiskClient.Block);
        var content = new byte[2 * DiskClient.Block];
        new Random(5).NextBytes(content.AsSpan(0, DiskClient.Block + 512));
        await disks.ImportAsync(vdi, content);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var hash = await disks.HashAsync(snapshot);
        await disks.Api.CallAsync("VDI.destroy", vdi);

        var times = new List<double>();
        var clones = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var clock = Stopwatch.StartNew();
            clones.Add(await disks.Api.TextAsync("VDI.clone", snapshot));
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        foreach (var clone in clones)
            (await disks.HashAsync(clone)).Should().Be(hash);
        var first = times.Take(20).Order().ElementAt(10);
        var last = times.TakeLast(20).Order().ElementAt(10);
        output.WriteLine($"{count} clones: median of the first 20 {first:F2} ms, of the last 20 {last:F2} ms, ratio {last / first:F2}");
        times.Should().OnlyContain(t => t < 30_000, "a hang cap, no measure");

        // Independent: writing one changes no other.
        await disks.ImportAsync(clones[0], [1, 2, 3, .. new byte[509]]);
        (await disks.HashAsync(clones[1])).Should().Be(hash);
        (await disks.HashAsync(snapshot)).Should().Be(hash);
    }
}
