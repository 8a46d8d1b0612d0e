using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>The collector is stopped at each of its steps, each copied block among them, and so is each attach that follows.</summary>
public sealed class CollectorCrashTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("collect", false)]
    [InlineData("collect", true)]
    [InlineData("split", false)]
    [InlineData("flatten a leaf with data", false)]
    [InlineData("flatten a leaf with data", true)]
    [InlineData("flatten an empty leaf", false)]
    public async Task After_an_end_at_any_step_every_volume_shows_what_it_showed(string operation, bool durable)
    {
        var stops = 0;
        for (var step = 1; ; step++)
        {
            await using var scene = await CollectorScene.BuildAsync(new VhdTreeOptions { Durable = durable });
            var finished = await scene.StopAsync(step, sr => RunAsync(sr, operation, scene), new SimulatedEnd());
            if (!finished)
            {
                for (var recovery = 1; !await scene.StopAsync(recovery, null, new SimulatedEnd()); recovery++)
                    stops++;
            }

            await scene.ReattachAsync();
            await scene.VerifyAsync($"{operation} ended at step {step}: {scene.Name}");
            await Collecting.RunAsync(scene.Sr);
            await scene.VerifyAsync($"{operation} ended at step {step} ({scene.Name}) and collected");
            await scene.VerifyHealthyAsync();
            stops++;
            if (finished)
                break;
        }

        output.WriteLine($"{stops} ends");
        stops.Should().BeGreaterThan(8);
    }

    [Theory]
    [InlineData("collect")]
    [InlineData("split")]
    [InlineData("flatten a leaf with data")]
    [InlineData("flatten an empty leaf")]
    public async Task A_step_that_fails_leaves_every_volume_as_it_was(string operation)
    {
        var failures = 0;
        for (var step = 1; ; step++)
        {
            await using var scene = await CollectorScene.BuildAsync(new VhdTreeOptions());
            await scene.StopAsync(step, sr => RunAsync(sr, operation, scene), new IOException("No space left on device", 28));
            var reached = scene.Reached;
            await scene.VerifyAsync($"{operation} failed at step {step}: {scene.Name}");
            await Collecting.RunAsync(scene.Sr);
            await scene.VerifyAsync($"{operation} failed at step {step} ({scene.Name}) and collected");
            await scene.ReattachAsync();
            await scene.VerifyAsync($"{operation} failed at step {step} ({scene.Name}) and attached");
            failures++;
            if (!reached)
                break;
        }

        output.WriteLine($"{failures} failures");
    }

    private static async Task RunAsync(ISr sr, string operation, CollectorScene scene)
    {
        switch (operation)
        {
            case "collect":
                await Collecting.RunAsync(sr);
                break;
            case "split":
                await sr.Collector!.SplitAsync(scene.Written, default);
                break;
            case "flatten a leaf with data":
                await Collecting.FlattenAsync(sr, scene.Written);
                break;
            default:
                await Collecting.FlattenAsync(sr, scene.Empty);
                break;
        }
    }
}
