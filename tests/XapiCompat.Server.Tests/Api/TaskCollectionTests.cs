using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Tasks that nobody destroys go by themselves; on a clock that the test moves.</summary>
public sealed class TaskCollectionTests : IAsyncLifetime
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private RunningServer _server = null!;

    public async Task InitializeAsync() => _server = await RunningServer.CreateAsync(clock: _clock);

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Finished_ones_are_kept_for_65_minutes()
    {
        var client = await _server.LoginAsync();
        var task = await client.TextAsync("Async.VDI.destroy", SampleValues.Nowhere);
        await client.FinishedAsync(task);
        _clock.Advance(TimeSpan.FromMinutes(64));
        await LookAsync();
        Exists(task).Should().BeTrue();
        _clock.Advance(TimeSpan.FromMinutes(2));
        await UntilAsync(() => !Exists(task));
    }

    [Fact]
    public async Task Pending_ones_go_after_a_day_in_which_they_did_not_move()
    {
        var client = await _server.LoginAsync();
        var still = await client.TextAsync("task.create", "still", "");
        var moving = await client.TextAsync("task.create", "moving", "");
        _clock.Advance(TimeSpan.FromMinutes(1));
        await LookAsync();
        for (var hour = 0; hour < 23; hour++)
        {
            _clock.Advance(TimeSpan.FromHours(1));
            await LookAsync();
            await client.CallAsync("task.set_progress", moving, hour / 100.0);
        }

        Exists(still).Should().BeTrue();
        _clock.Advance(TimeSpan.FromHours(1));
        await LookAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        await UntilAsync(() => !Exists(still));
        Exists(moving).Should().BeTrue();
    }

    [Fact]
    public async Task Of_more_than_200_the_oldest_finished_ones_go()
    {
        var client = await _server.LoginAsync();
        var pending = await client.TextAsync("task.create", "pending", "");
        var finished = new List<string>();
        for (var i = 0; i < 210; i++)
        {
            finished.Add(await client.TextAsync("Async.VDI.destroy", SampleValues.Nowhere));
            await client.FinishedAsync(finished[^1]);
        }

        _clock.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(() => finished.Count(Exists) == 199);
        finished.Where(Exists).Should().Equal(finished.Skip(11));
        Exists(pending).Should().BeTrue();
    }

    [Fact]
    public async Task Only_tasks_with_work_behind_them_can_be_cancelled()
    {
        var client = await _server.LoginAsync();
        var own = await client.TextAsync("task.create", "own", "");
        (await client.ListAsync("task.get_allowed_operations", own)).Should().BeEmpty();
        var disk = await client.TextAsync("VDI.create", Records.Vdi(await client.TextAsync("pool.get_default_SR", (await client.ListAsync("pool.get_all"))[0]), Records.MiB));
        _server.Host.Records.Commit(unit => unit.Set(disk, "current_operations", XenStruct.Of(("OpaqueRef:busy", "clone"))));
        var task = await client.TextAsync("Async.VDI.clone", disk);
        (await client.ListAsync("task.get_allowed_operations", task)).Should().Equal("cancel");
        await client.CallAsync("task.cancel", task);
        await client.FinishedAsync(task);
        (await client.ListAsync("task.get_allowed_operations", task)).Should().BeEmpty();
    }

    private bool Exists(string task) => _server.Host.Records.Current.Find(task) is not null;

    /// <summary>Waits until the collector has looked at the present time: then it takes away a task whose time has come.</summary>
    private async Task LookAsync()
    {
        var sign = Ref.Of(Guid.NewGuid()).Text;
        _server.Host.Records.Commit(unit => unit.Insert(
            unit.Model.Class("task"),
            sign,
            [("uuid", Guid.NewGuid().ToString("D")), ("status", "success"), ("created", XenDate.Never), ("finished", XenDate.Format(DateTimeOffset.UnixEpoch.AddDays(1)))]));
        _clock.Advance(TimeSpan.FromSeconds(30));
        await UntilAsync(() => !Exists(sign));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (!condition())
            await Task.Delay(5, cap.Token);
    }
}
