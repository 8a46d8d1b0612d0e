using FluentAssertions;
using XapiCompat.Disks;
using XapiCompat.Storage.VhdTree;
using Xunit;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Files that a failure leaves behind: they bring back nothing that was destroyed, hide nothing that is there, and go.</summary>
public sealed class LeftBehindTests
{
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();
    private static readonly FileTrouble Eio = FileTrouble.All.Single(t => t.Name == "EIO");

    /// <summary>The end of the process comes before anybody looks at the directory.</summary>
    [Fact]
    public async Task A_base_that_could_not_be_deleted_goes_with_the_next_attach()
    {
        for (var (number, fired) = (1, true); fired; number++)
        {
            await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions());
            var snapshots = new List<string>();
            for (byte value = 1; value <= 3; value++)
            {
                snapshots.Add((await scene.Sr.SnapshotAsync(scene.Root, Guid.NewGuid(), NoParams, default)).Volume!.Key);
                await scene.WriteAsync(scene.Root, value);
                scene.Fill(scene.Root, value);
            }

            foreach (var snapshot in snapshots)
                await scene.Sr.DestroyVolumeAsync(snapshot, default);
            scene.Files.Arm(Eio, number);
            var error = await Record.ExceptionAsync(() => scene.Sr.DestroyVolumeAsync(scene.Root, default).AsTask());
            fired = scene.Files.Failed is not null;
            scene.Files.Disarm();
            if (error is null)
                scene.Expected.Remove(scene.Root);
            await scene.ReattachAsync();
            await scene.VerifyAsync($"call {number}");
            scene.Strays().Should().BeEmpty();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_disk_that_is_destroyed_after_a_half_done_snapshot_does_not_come_back(bool hardLinks)
    {
        for (var (number, fired) = (1, true); fired; number++)
        {
            await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks });
            fired = await SnapshotAsync(scene, number);
            await scene.Sr.DestroyVolumeAsync(scene.Volume, default);
            scene.Expected.Remove(scene.Volume);
            await scene.ReattachAsync();
            await scene.VerifyAsync($"all calls from {number} on");
            scene.Strays().Should().BeEmpty();
        }
    }

    /// <summary>A second snapshot fails like the first, so that what leads back from the first is gone with it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_half_done_snapshots_leave_one_disk(bool hardLinks)
    {
        for (var (number, fired) = (1, true); fired; number++)
        {
            foreach (var second in new[] { 1, number / 2, number }.Where(n => n > 0).Distinct())
            {
                await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks });
                fired = await SnapshotAsync(scene, number);
                await SnapshotAsync(scene, second);
                await scene.ReattachAsync();
                await scene.VerifyAsync($"all calls from {number} and then from {second} on");
                scene.Strays().Should().BeEmpty();
            }
        }
    }

    /// <summary>The directory can be read, and names cannot be changed: the disk stays in the list, and nothing else is made of it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_look_at_the_directory_keeps_a_disk_whose_name_is_not_back_yet(bool hardLinks)
    {
        for (var (number, fired) = (1, true); fired; number++)
        {
            await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions { HardLinks = hardLinks });
            fired = await SnapshotAsync(scene, number);
            scene.Files.Arm(new("names", 5, false, FileCall.Move, FileCall.Delete, FileCall.Link), 1, stays: true);
            (await scene.ManagedAsync()).Should().BeEquivalentTo(scene.Expected.Keys);
            var error = await Record.ExceptionAsync(() => scene.WriteAsync(scene.Volume, 9));
            scene.Files.Disarm();
            if (error is null)
                scene.Fill(scene.Volume, 9);
            else
                error.Should().BeOfType<StorageException>().Which.Fault.Should().Be(StorageFault.VolumeUnavailable);
            await scene.WriteAsync(scene.Volume, 10);
            scene.Fill(scene.Volume, 10);
            await scene.VerifyAsync($"all calls from {number} on");
            await scene.ReattachAsync();
            await scene.VerifyAsync($"all calls from {number} on, and attached");
            scene.Strays().Should().BeEmpty();
        }
    }

    /// <summary>A destroy that failed and left the log under another name; then a snapshot goes on with a new one.</summary>
    [Fact]
    public async Task An_old_log_does_not_take_the_place_of_the_one_that_tracking_went_on_with()
    {
        await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions());
        await scene.Sr.EnableCbtAsync(scene.Root, default);
        scene.Files.Arm(new("names", 5, false, FileCall.Move, FileCall.Delete), 2, stays: true);
        await scene.Sr.Invoking(s => s.DestroyVolumeAsync(scene.Root, default).AsTask()).Should().ThrowAsync<StorageException>();
        scene.Files.Disarm();
        var snapshot = Guid.NewGuid();
        await scene.Sr.SnapshotAsync(scene.Root, snapshot, NoParams, default);
        scene.Copy(scene.Root, snapshot);
        await scene.WriteAsync(scene.Root, 9);
        scene.Fill(scene.Root, 9);
        var before = await ChangedAsync(scene, snapshot);
        before.Should().BePositive();
        await scene.ReattachAsync();
        (await ChangedAsync(scene, snapshot)).Should().Be(before);
        await scene.VerifyAsync("attached");
    }

    /// <summary>A file that cannot be looked at is not gone: neither a plain file nor a log of written blocks is forgotten for that.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_look_that_fails_forgets_nothing(bool stays)
    {
        for (var (number, fired) = (1, true); fired; number++)
        {
            await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions());
            var raw = (await scene.Sr.CreateVolumeAsync(TreeScene.Spec(Guid.NewGuid()) with { SmConfig = new Dictionary<string, string> { ["type"] = "raw" } }, default)).Volume!.Key;
            await scene.Sr.EnableCbtAsync(scene.Root, default);
            var snapshot = Guid.NewGuid();
            await scene.Sr.SnapshotAsync(scene.Root, snapshot, NoParams, default);
            scene.Copy(scene.Root, snapshot);
            var all = scene.Expected.Keys.Append(raw).ToList();
            scene.Files.Arm(new("no look", 24, false, FileCall.Find), number, stays);
            try
            {
                var list = await scene.Sr.ListAsync(default);
                list.Where(v => v.Managed).Select(v => v.Key).Should().BeEquivalentTo(all, $"look {number}");
                list.Should().Contain(v => v.Key == scene.Root && v.CbtEnabled);
            }
            catch (StorageException e)
            {
                e.Fault.Should().Be(StorageFault.ScanFailed);
            }

            fired = scene.Files.Failed is not null;
            scene.Files.Disarm();
            await scene.WriteAsync(scene.Root, 9);
            scene.Fill(scene.Root, 9);
            (await scene.ManagedAsync()).Should().BeEquivalentTo(all, $"look {number}");
            (await ChangedAsync(scene, snapshot)).Should().BePositive($"look {number}");
        }
    }

    /// <summary>False when nothing failed.</summary>
    private static async Task<bool> SnapshotAsync(TreeScene scene, int number)
    {
        var uuid = Guid.NewGuid();
        scene.Files.Arm(Eio, number, stays: true);
        var error = await Record.ExceptionAsync(() => scene.Sr.SnapshotAsync(scene.Volume, uuid, NoParams, default).AsTask());
        scene.Files.Disarm();
        if (error is null)
            scene.Copy(scene.Volume, uuid);
        return scene.Files.Failed is not null;
    }

    private static async Task<int> ChangedAsync(TreeScene scene, Guid snapshot)
    {
        var changed = await scene.Sr.ListChangedBlocksAsync(snapshot.ToString(), scene.Root, default);
        return changed.Bitmap.ToArray().Sum(b => int.PopCount(b));
    }
}
