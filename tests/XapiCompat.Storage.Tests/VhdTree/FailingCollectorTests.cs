using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>The collector's calls of the file system fail in turn: every volume shows what it showed, and the work is done later.</summary>
public sealed class FailingCollectorTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("EIO", "collect", false, false)]
    [InlineData("EIO", "collect", false, true)]
    [InlineData("ENOSPC", "collect", false, false)]
    [InlineData("failed fsync", "collect", true, false)]
    [InlineData("EIO", "flatten", false, false)]
    [InlineData("EIO", "flatten", false, true)]
    [InlineData("failed fsync", "flatten", true, false)]
    public Task The_nth_call_fails(string name, string operation, bool durable, bool stays) => ForEachCallAsync(
        name,
        durable,
        stays,
        scene => operation == "collect" ? Collecting.RunAsync(scene.Sr) : Collecting.FlattenAsync(scene.Sr, scene.Written),
        async (scene, error, because) =>
        {
            if (error is not null)
                error.Should().Match(e => e is StorageException || e is IOException, because);
            if (stays)
                await scene.ReattachAsync();
            await scene.VerifyAsync(because);
            await Collecting.RunAsync(scene.Sr);
            await scene.VerifyAsync(because + ", and collected");
        });

    /// <summary>A single failure, no look at the directory until the end: what it left behind neither stays nor stops the collector for good.</summary>
    [Theory]
    [InlineData("EIO", false)]
    [InlineData("EIO", true)]
    [InlineData("failed fsync", true)]
    public Task What_a_failure_left_is_cleared_up_by_the_next_attach(string name, bool durable) => ForEachCallAsync(
        name,
        durable,
        stays: false,
        scene => Collecting.RunAsync(scene.Sr),
        async (scene, error, _) =>
        {
            if (error is not null)
                await Collecting.RunAsync(scene.Sr);
        });

    /// <summary>What is left of a merge that could not even be taken back never leads an attach over what came later.</summary>
    [Theory]
    [InlineData("EIO", false)]
    [InlineData("EIO", true)]
    [InlineData("ENOSPC", false)]
    public Task What_comes_after_a_failure_is_there_after_the_next_attach(string name, bool durable) => ForEachCallAsync(
        name,
        durable,
        stays: true,
        scene => Collecting.RunAsync(scene.Sr),
        (scene, _, _) => scene.GoOnAsync());

    /// <summary>
    /// Lets each call of some work fail, in a fresh tree every time; every few calls where there are many. After another attach and a
    /// collection the tree holds what it should.
    /// </summary>
    /// <param name="stays">All later calls fail as well, until the work is over.</param>
    /// <param name="after">Given what the work threw and the text that tells the case.</param>
    private async Task ForEachCallAsync(
        string name, bool durable, bool stays, Func<CollectorScene, Task> work, Func<CollectorScene, Exception?, string, Task> after)
    {
        var trouble = FileTrouble.All.Single(t => t.Name == name);
        var number = 0;
        for (var fired = true; fired; number += Soak.On ? 1 : 1 + (number / 12))
        {
            var files = new FaultyFiles();
            await using var scene = await CollectorScene.BuildAsync(new VhdTreeOptions { Durable = durable, Files = files });
            files.Arm(trouble, number + 1, stays);
            var error = await Record.ExceptionAsync(() => work(scene));
            fired = files.Failed is not null;
            var because = $"{name}, call {number + 1}: {files.Failed}, {error?.Message}";
            files.Disarm();
            await after(scene, error, because);
            await scene.ReattachAsync();
            await scene.VerifyAsync(because + ", and attached");
            await Collecting.RunAsync(scene.Sr);
            await scene.VerifyAsync(because + ", and collected");
            await scene.VerifyHealthyAsync();
        }

        output.WriteLine($"{number} calls");
    }
}
