using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>
/// Every operation on tracked disks is stopped before each of its steps, and so is the attach that follows; and each of its
/// calls of the file system fails in turn. No disk loses data, no change goes unnoted.
/// </summary>
public sealed class CbtCrashTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();

    private static readonly Operation[] Operations =
    [
        new("enable", (s, _) => s.Sr.EnableCbtAsync(s.Plain, default).AsTask(), async (s, _) => (await s.FindAsync(s.Plain))!.CbtEnabled),
        new("disable", (s, _) => s.Sr.DisableCbtAsync(s.Disk, default).AsTask(), async (s, _) => !(await s.FindAsync(s.Disk))!.CbtEnabled),
        new("disable of a snapshot", (s, _) => s.Sr.DisableCbtAsync(s.Snapshots[2], default).AsTask(), async (s, _) => !(await s.FindAsync(s.Snapshots[2]))!.CbtEnabled),
        new("snapshot", (s, id) => s.Sr.SnapshotAsync(s.Disk, id, NoParams, default).AsTask(), async (s, id) => await s.FindAsync(id.ToString()) is not null),
        new("snapshot of a snapshot", (s, id) => s.Sr.SnapshotAsync(s.Snapshots[2], id, NoParams, default).AsTask(), async (s, id) => await s.FindAsync(id.ToString()) is not null),
        new("clone", (s, id) => s.Sr.CloneAsync(s.Disk, id, NoParams, default).AsTask(), async (s, id) => await s.FindAsync(id.ToString()) is not null),
        new("destroy of a snapshot", (s, _) => s.Sr.DestroyVolumeAsync(s.Snapshots[2], default).AsTask(), async (s, _) => await s.FindAsync(s.Snapshots[2]) is null),
        new("destroy without data", (s, _) => s.Sr.DestroyVolumeAsync(s.Snapshots[1], default).AsTask(), async (s, _) => await s.FindAsync(s.Snapshots[1]) is null),
        new("destroy of the disk", (s, _) => s.Sr.DestroyVolumeAsync(s.Disk, default).AsTask(), async (s, _) => await s.FindAsync(s.Disk) is null),
        new("data_destroy", (s, _) => s.Sr.DataDestroyAsync(s.Snapshots[2], default).AsTask(), async (s, _) => (await s.FindAsync(s.Snapshots[2]))!.Kind == VolumeKind.CbtMetadata),
        new("resize", (s, _) => s.Sr.ResizeAsync(s.Disk, 4 << 20, default).AsTask(), async (s, _) => (await s.FindAsync(s.Disk))!.VirtualSize == 4 << 20),
        new("rename without data", (s, _) => s.Sr.SetNameAsync(s.Snapshots[1], "other", "", default).AsTask(), async (s, _) => (await s.FindAsync(s.Snapshots[1]))!.Name == "other"),
    ];

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task An_end_at_any_step_leaves_no_change_unnoted(bool hardLinks, bool durable)
    {
        var stops = 0;
        foreach (var operation in Operations)
        {
            for (var step = 1; ; step++)
            {
                await using var scene = await CbtScene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks, Durable = durable });
                var added = Guid.NewGuid();
                var finished = await scene.StopAsync(step, s => operation.Run(s, added));
                stops++;
                for (var recovery = 1; !finished && !await scene.StopAsync(recovery, null); recovery++)
                    stops++;
                await scene.ReattachAsync();
                var because = $"after {operation.Name} stopped at step {step}";
                if (finished)
                    (await operation.IsDone(scene, added)).Should().BeTrue(because);
                await scene.VerifyAsync(because, added);
                if (finished)
                    break;
            }
        }

        output.WriteLine($"{stops} ends");
        stops.Should().BeGreaterThan(100);
    }

    [Theory]
    [InlineData("EIO", false)]
    [InlineData("EIO", true)]
    [InlineData("ENOSPC", false)]
    [InlineData("failed fsync", true)]
    public async Task A_call_that_fails_leaves_no_change_unnoted(string name, bool durable)
    {
        var trouble = FileTrouble.All.Single(t => t.Name == name);
        foreach (var operation in Operations)
        {
            for (var number = 1; ; number++)
            {
                await using var scene = await CbtScene.BuildAsync(new VhdTreeOptions { Durable = durable });
                var added = Guid.NewGuid();
                scene.Files.Arm(trouble, number);
                var error = await Record.ExceptionAsync(() => operation.Run(scene, added));
                scene.Files.Disarm();
                var because = $"after {operation.Name}, {name} at call {number}: {scene.Files.Failed}";
                if (error is null)
                    (await operation.IsDone(scene, added)).Should().BeTrue(because);
                else
                    error.Should().BeOfType<StorageException>(because);
                await scene.VerifyAsync(because, added);
                if (scene.Files.Failed is null)
                    break;
            }
        }
    }

    [Fact]
    public async Task A_write_that_cannot_be_noted_is_not_made()
    {
        var trouble = FileTrouble.All.Single(t => t.Name == "EIO");
        for (var number = 1; ; number++)
        {
            await using var scene = await CbtScene.BuildAsync(new VhdTreeOptions { Durable = number % 2 == 0 });
            scene.Files.Arm(trouble, number);
            var error = await Record.ExceptionAsync(() => scene.WriteAsync(scene.Disk, 33, 0));
            scene.Files.Disarm();
            await scene.VerifyAsync($"after a write, EIO at call {number}: {scene.Files.Failed}", Guid.NewGuid());
            if (scene.Files.Failed is null)
                break;
        }
    }

    [Fact]
    public async Task A_snapshot_is_made_without_its_log_when_that_cannot_be_written()
    {
        await using var scene = await CbtScene.BuildAsync(new VhdTreeOptions());
        var (taken, disk) = (Guid.NewGuid(), scene.Disk);
        scene.Files.Arm(new FileTrouble("log", 28, false, XapiCompat.Disks.FileCall.Write), 1);
        var changes = await scene.Sr.SnapshotAsync(disk, taken, NoParams, default);
        changes.Volume!.CbtEnabled.Should().BeFalse();
        changes.Changed.Single(v => v.Key == disk).CbtEnabled.Should().BeFalse();
        scene.Names().Should().NotContain(n => n.StartsWith(disk) && n.Contains("cbtlog"));
        (await CbtBits.ChangedAsync(scene.Sr, scene.Snapshots[0], scene.Snapshots[2])).Should().Equal(1, 2);
    }

    private sealed record Operation(string Name, Func<CbtScene, Guid, Task> Run, Func<CbtScene, Guid, Task<bool>> IsDone);
}
