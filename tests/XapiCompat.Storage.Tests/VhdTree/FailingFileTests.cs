using FluentAssertions;
using XapiCompat.Storage.VhdTree;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>
/// Each operation with its first call of the file system failing, then its second, and so on until none is left: the caller
/// hears of it, the tree is right, and the same operation succeeds afterwards.
/// </summary>
public sealed class FailingFileTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyDictionary<string, string> NoParams = new Dictionary<string, string>();

    private static readonly Operation[] Operations =
    [
        new("create", StorageFault.VolumeCreate, (t, uuid) => t.Sr.CreateVolumeAsync(TreeScene.Spec(uuid), default).AsTask(), (t, uuid) => t.Expected[uuid.ToString()] = new byte[TreeScene.Slots]),
        new("snapshot", StorageFault.VolumeSnapshot, (t, uuid) => t.Sr.SnapshotAsync(t.Volume, uuid, NoParams, default).AsTask(), (t, uuid) => t.Copy(t.Volume, uuid)),
        new("snapshot of a root", StorageFault.VolumeSnapshot, (t, uuid) => t.Sr.SnapshotAsync(t.Root, uuid, NoParams, default).AsTask(), (t, uuid) => t.Copy(t.Root, uuid)),
        new("clone", StorageFault.VolumeClone, (t, uuid) => t.Sr.CloneAsync(t.Volume, uuid, NoParams, default).AsTask(), (t, uuid) => t.Copy(t.Volume, uuid)),
        new("clone of an empty leaf", StorageFault.VolumeClone, (t, uuid) => t.Sr.CloneAsync(t.Snapshot, uuid, NoParams, default).AsTask(), (t, uuid) => t.Copy(t.Snapshot, uuid)),
        new("destroy", StorageFault.VolumeDelete, (t, _) => t.Sr.DestroyVolumeAsync(t.Volume, default).AsTask(), (t, _) => t.Expected.Remove(t.Volume)),
        new("destroy of a last child", StorageFault.VolumeDelete, (t, _) => t.Sr.DestroyVolumeAsync(t.Lonely, default).AsTask(), (t, _) => t.Expected.Remove(t.Lonely)),
        new("resize", StorageFault.VolumeResize, (t, _) => t.Sr.ResizeAsync(t.Volume, 2 * TreeScene.Size, default).AsTask(), (_, _) => { }),
        new("resize of a root beyond its table", StorageFault.VolumeResize, (t, _) => t.Sr.ResizeAsync(t.Root, 1L << 30, default).AsTask(), (_, _) => { }),
        new("rename", StorageFault.General, (t, _) => t.Sr.SetNameAsync(t.Volume, "renamed", "", default).AsTask(), (_, _) => { }),
        new("keys", StorageFault.General, (t, _) => t.Sr.SetAsync(t.Volume, new Dictionary<string, string?> { ["a"] = "b" }, default).AsTask(), (_, _) => { }),
        new("write", StorageFault.VolumeLoad, (t, _) => t.WriteAsync(t.Volume, 99), (t, _) => t.Fill(t.Volume, 99)),
        new("write to a root", StorageFault.VolumeLoad, (t, _) => t.WriteAsync(t.Root, 99), (t, _) => t.Fill(t.Root, 99)),
        new("write to a clone", StorageFault.VolumeLoad, (t, _) => t.WriteAsync(t.Lonely, 99), (t, _) => t.Fill(t.Lonely, 99)),
        new("scan", StorageFault.ScanFailed, (t, _) => t.Sr.ListAsync(default).AsTask(), (_, _) => { }),
        new("attach", StorageFault.ScanFailed, (t, _) => t.ReattachAsync(), (_, _) => { }),
    ];

    public static TheoryData<string, bool> Troubles()
    {
        var data = new TheoryData<string, bool>();
        foreach (var trouble in FileTrouble.All)
            data.Add(trouble.Name, trouble.Name != "EDQUOT");
        data.Add("EIO", false);

        return data;
    }

    /// <summary>The failure lasts, so that nothing can be taken back; then clients go on without a new attach.</summary>
    [Theory]
    [InlineData("snapshot")]
    [InlineData("snapshot of a root")]
    [InlineData("clone")]
    public async Task What_could_not_be_taken_back_misleads_nobody(string name)
    {
        var operation = Operations.Single(o => o.Name == name);
        var fired = true;
        for (var number = 1; fired; number++)
        {
            await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions());
            scene.Files.Arm(FileTrouble.All[0], number, stays: true);
            var uuid = Guid.NewGuid();
            var error = await Record.ExceptionAsync(() => operation.Run(scene, uuid));
            scene.Files.Disarm();
            fired = scene.Files.Failed is not null;
            if (error is null)
                operation.Apply(scene, uuid);
            var because = $"{name}, all calls from {number} on: {scene.Files.Failed}, {error?.Message}";
            await WriteAsync(scene, scene.Volume, 70);
            await WriteAsync(scene, scene.Root, 71);
            await scene.VerifyAsync(because);
            var next = Guid.NewGuid();
            await operation.Run(scene, next);
            operation.Apply(scene, next);
            await WriteAsync(scene, scene.Volume, 72);
            await WriteAsync(scene, scene.Root, 73);
            await scene.VerifyAsync(because + ", and again");
            await scene.ReattachAsync();
            await scene.VerifyAsync(because + ", and attached");
            scene.Leftovers().Should().BeEmpty(because);
        }

        static async Task WriteAsync(TreeScene scene, string key, byte value)
        {
            await scene.WriteAsync(key, value);
            scene.Fill(key, value);
        }
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task The_nth_call_fails_once(string name, bool durable)
    {
        var trouble = FileTrouble.All.Single(t => t.Name == name);
        foreach (var operation in Operations)
        {
            var number = 0;
            while (await FailAsync(operation, trouble, ++number, durable))
            {
            }

            output.WriteLine($"{operation.Name}: {number - 1}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task From_the_nth_call_on_everything_fails(bool durable)
    {
        var trouble = FileTrouble.All.Single(t => t.Name == "EIO");
        foreach (var operation in Operations)
        {
            for (var number = 1; ; number++)
            {
                await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions { Durable = durable });
                var because = $"{operation.Name}, from call {number} on";
                scene.Files.Arm(trouble, number, stays: true);
                var uuid = Guid.NewGuid();
                var error = await Record.ExceptionAsync(() => operation.Run(scene, uuid));
                var fired = scene.Files.Failed is not null;
                scene.Files.Disarm();
                await scene.ReattachAsync();

                // What could not be taken back is wholly there; the host, which has the promise on record, removes it.
                if (error is not null && (await scene.ManagedAsync()).Contains(uuid.ToString()))
                    error = null;
                await VerifyAsync(scene, operation, uuid, error, because);
                if (!fired)
                    break;
            }
        }
    }

    [Fact]
    public async Task After_a_failed_fsync_no_later_one_succeeds_until_the_disk_is_opened_anew()
    {
        var trouble = FileTrouble.All.Single(t => t.Name == "failed fsync");
        await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions());
        await using (var device = await scene.Sr.OpenAsync(scene.Root, DatapathMode.ReadWrite, default))
        await using (var other = await scene.Sr.OpenAsync(scene.Root, DatapathMode.ReadWrite, default))
        {
            await device.WriteAsync(0, new byte[] { 1 });
            await other.WriteAsync(1, new byte[] { 2 });
            scene.Files.Arm(trouble, 1);
            await device.Invoking(d => d.FlushAsync().AsTask()).Should().ThrowAsync<IOException>();
            foreach (var lost in new[] { device, other })
            {
                await lost.Invoking(d => d.FlushAsync().AsTask()).Should().ThrowAsync<IOException>();
                await lost.Invoking(d => d.WriteAsync(0, new byte[] { 3 }).AsTask()).Should().ThrowAsync<IOException>();
                await lost.Invoking(d => d.FlushAsync().AsTask()).Should().ThrowAsync<IOException>();
                await lost.ReadAsync(0, new byte[1]);
            }
        }

        await scene.WriteAsync(scene.Root, 5);
        scene.Fill(scene.Root, 5);
        await scene.VerifyAsync("after reopening");
    }

    private static async Task<bool> FailAsync(Operation operation, FileTrouble trouble, int number, bool durable)
    {
        await using var scene = await TreeScene.BuildAsync(new VhdTreeOptions { Durable = durable });
        scene.Files.Arm(trouble, number);
        var uuid = Guid.NewGuid();
        var error = await Record.ExceptionAsync(() => operation.Run(scene, uuid));
        var failed = scene.Files.Failed;
        scene.Files.Disarm();
        var because = $"{operation.Name}, {trouble}, call {number}: {failed ?? "none"}";
        if (failed is null)
            error.Should().BeNull(because);
        else if (error is not null)
            Check(operation, trouble, error, because);

        if (operation.Name == "attach" && error is not null)
            await scene.ReattachAsync();
        await VerifyAsync(scene, operation, uuid, error, because);
        if (error is not null)
        {
            scene.Leftovers().Should().BeEmpty(because);
            if (operation.Name.StartsWith("destroy", StringComparison.Ordinal) && !scene.Expected.ContainsKey(operation.Name == "destroy" ? scene.Volume : scene.Lonely))
                return true;

            // The trouble is over.
            var again = Guid.NewGuid();
            (await Record.ExceptionAsync(() => operation.Run(scene, again))).Should().BeNull(because);
            operation.Apply(scene, again);
        }

        await scene.ReattachAsync();
        await scene.VerifyAsync(because);
        scene.Strays().Should().BeEmpty(because);
        (await scene.CheckAsync()).Findings.Where(f => f.Level != FindingLevel.Note).Should().BeEmpty(because);
        return failed is not null;
    }

    private static void Check(Operation operation, FileTrouble trouble, Exception error, string because)
    {
        if (error is StorageException storage)
        {
            if (trouble.IsNoSpace)
                storage.Fault.Should().Be(StorageFault.NoSpace, because);
            else
                storage.Fault.Should().BeOneOf([operation.Fault, StorageFault.VolumeLoad], because);
        }
        else
        {
            // A write or flush on an open disk: an I/O error, which the host reports as such.
            error.Should().BeOfType<IOException>(because);
            operation.Name.Should().StartWith("write", because);
            trouble.IsNoSpace.Should().BeFalse(because);
        }
    }

    /// <summary>Success has happened; a failure has happened wholly or not at all. Writes may be there in part.</summary>
    private static async Task VerifyAsync(TreeScene scene, Operation operation, Guid uuid, Exception? error, string because)
    {
        if (error is null)
        {
            operation.Apply(scene, uuid);
        }
        else if (operation.Name.StartsWith("write", StringComparison.Ordinal))
        {
            await scene.AdoptPartAsync(operation.Name switch { "write" => scene.Volume, "write to a root" => scene.Root, _ => scene.Lonely }, 99, because);
        }
        else if (operation.Name.StartsWith("destroy", StringComparison.Ordinal))
        {
            if (!(await scene.ManagedAsync()).Contains(operation.Name == "destroy" ? scene.Volume : scene.Lonely))
                operation.Apply(scene, uuid);
        }

        await scene.VerifyAsync(because);
    }

    private sealed record Operation(string Name, StorageFault Fault, Func<TreeScene, Guid, Task> Run, Action<TreeScene, Guid> Apply);
}
