using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Core.Services;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Snapshot schedules: what may be in them, and what they do.</summary>
public sealed class VmssTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VMSS.create", "VMSS.set_frequency", "VMSS.set_schedule", "VMSS.add_to_schedule", "VMSS.remove_from_schedule", "VMSS.set_retained_snapshots", "VMSS.set_type", "VMSS.set_last_run_time")]
    public async Task A_schedule_is_completed_and_checked()
    {
        var api = await server.LoginAsync();
        var vmss = await CreateAsync(api, "weekly", ("days", "monday,Friday"));
        (await ScheduleAsync(api, vmss)).Should().Be("days=Monday,Friday hour=0 min=0");
        (await api.CallAsync("VMSS.get_retained_snapshots", vmss)).GetValue<long>().Should().Be(7);
        await api.CallAsync("VMSS.set_schedule", vmss, JsonArguments.Map(("hour", "23"), ("min", "45")));
        (await ScheduleAsync(api, vmss)).Should().Be("days=Monday,Friday hour=23 min=45");
        await api.CallAsync("VMSS.set_frequency", vmss, "daily");
        (await ScheduleAsync(api, vmss)).Should().Be("hour=23 min=45");
        await api.CallAsync("VMSS.set_frequency", vmss, "weekly");
        (await ScheduleAsync(api, vmss)).Should().Be("days=Monday hour=23 min=45");
        await api.CallAsync("VMSS.remove_from_schedule", vmss, "min");
        (await ScheduleAsync(api, vmss)).Should().Be("days=Monday hour=23");
        await api.CallAsync("VMSS.add_to_schedule", vmss, "min", "30");
        (await ScheduleAsync(api, vmss)).Should().Be("days=Monday hour=23 min=30");
        await api.CallAsync("VMSS.set_retained_snapshots", vmss, 3);
        (await api.CallAsync("VMSS.get_retained_snapshots", vmss)).GetValue<long>().Should().Be(3);
        await api.CallAsync("VMSS.set_type", vmss, "checkpoint");
        (await api.TextAsync("VMSS.get_type", vmss)).Should().Be("checkpoint");
        await api.CallAsync("VMSS.set_last_run_time", vmss, "20250102T03:04:05Z");
        (await api.TextAsync("VMSS.get_last_run_time", vmss)).Should().Be("20250102T03:04:05Z");
    }

    [Theory]
    [InlineData("hourly", "min", "10")]
    [InlineData("hourly", "hour", "1")]
    [InlineData("daily", "hour", "24")]
    [InlineData("daily", "hour", "-1")]
    [InlineData("daily", "days", "Monday")]
    [InlineData("weekly", "days", "Monday,Someday")]
    [InlineData("weekly", "days", "Monday,Monday")]
    [InlineData("weekly", "week", "1")]
    public async Task Wrong_times_are_refused(string frequency, string key, string value)
    {
        var api = await server.LoginAsync();
        string[] refusal = ["INVALID_VALUE", "schedule", key + " = " + value];
        (await api.ErrorAsync("VMSS.create", Record(frequency, (key, value)))).Should().Equal(refusal);
        if ((key, value) is ("hour", "1") or ("days", "Monday"))
            return;
        var vmss = await CreateAsync(api, frequency);
        await api.CallAsync("VMSS.remove_from_schedule", vmss, key);
        (await api.ErrorAsync("VMSS.set_schedule", vmss, JsonArguments.Map((key, value)))).Should().Equal(refusal);
        (await api.ErrorAsync("VMSS.add_to_schedule", vmss, key, value)).Should().Equal(refusal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public async Task The_number_to_keep_is_from_1_to_10(long value)
    {
        var api = await server.LoginAsync();
        var vmss = await CreateAsync(api, "hourly");
        (await api.ErrorAsync("VMSS.set_retained_snapshots", vmss, value)).Should().Equal("INVALID_VALUE", "retained_snapshots", " = " + value);
        var record = Record("hourly");
        record["retained_snapshots"] = value;
        (await api.ErrorAsync("VMSS.create", record)).Should().Equal("INVALID_VALUE", "retained_snapshots", " = " + value);
    }

    [Fact]
    [SeesEffectOf("VMSS.snapshot_now", "VMSS.destroy", "VM.set_snapshot_schedule")]
    public async Task A_run_snapshots_all_VMs_and_keeps_the_newest()
    {
        var rig = await VmRig.CreateAsync(server);

        // Its own time does not come meanwhile.
        var vmss = await CreateAsync(rig.Api, "daily", ("hour", ((DateTime.Now.Hour + 12) % 24).ToString()));
        await rig.Api.CallAsync("VMSS.set_retained_snapshots", vmss, 2);
        await rig.Api.CallAsync("VM.set_snapshot_schedule", rig.Vm, vmss);
        (await rig.Api.ListAsync("VMSS.get_VMs", vmss)).Should().Equal(rig.Vm);
        (await rig.Api.ErrorAsync("VMSS.destroy", vmss)).Should().Equal("VMSS_HAS_VM");
        (await rig.Api.ErrorAsync("VM.set_is_a_template", rig.Vm, true)).Should().Equal("VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE", rig.Vm, vmss);
        var byHand = await rig.SnapshotAsync("by hand");
        var disks = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            await rig.Api.CallAsync("VMSS.snapshot_now", vmss);
            var newest = await rig.Api.TextAsync("VM.get_parent", rig.Vm);
            disks.AddRange((await rig.DisksAsync(newest)).Values);
            var record = await rig.RecordAsync(newest);
            Flag(record, "is_vmss_snapshot").Should().BeTrue();
            Text(record, "name_label").Should().MatchRegex("^rig-[0-9]{8}T[0-9]{6}Z$");
            Text(record, "snapshot_schedule").Should().Be(Records.Null);
        }

        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().HaveCount(3).And.Contain(byHand, "only scheduled ones are dropped");
        foreach (var gone in disks.Take(4))
            server.Host.Records.Current.Find(gone).Should().BeNull("the disks go with their snapshot");
        foreach (var kept in disks.Skip(4))
            (await rig.ReadMarkAsync(kept)).Should().BeOneOf(1, 2);
        Text(await rig.Api.RecordAsync("VMSS", vmss), "last_run_time").Should().NotBe(Records.Never);
        await rig.Api.CallAsync("VM.set_snapshot_schedule", rig.Vm, Records.Null);
        await rig.Api.CallAsync("VMSS.destroy", vmss);
        (await rig.Api.ErrorAsync("VMSS.get_uuid", vmss)).Should().Equal("HANDLE_INVALID", "VMSS", vmss);
    }

    [Fact]
    public async Task Some_VMs_take_no_schedule()
    {
        var rig = await VmRig.CreateAsync(server);
        var vmss = await CreateAsync(rig.Api, "hourly");
        var dom0 = (await rig.Api.ListAsync("VM.get_all_where", "field \"is_control_domain\" = \"true\""))[0];
        (await rig.Api.ErrorAsync("VM.set_snapshot_schedule", dom0, vmss)).Should().Equal("INVALID_VALUE", vmss);
        (await rig.Api.ErrorAsync("VM.set_snapshot_schedule", rig.Vm, SampleValues.Nowhere)).Should().Equal("INVALID_VALUE", SampleValues.Nowhere);
        var template = (await rig.Api.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        (await rig.Api.ErrorAsync("VM.set_snapshot_schedule", template, vmss)).Should().Equal("VM_IS_TEMPLATE", template);
        await rig.Api.CallAsync("VM.set_snapshot_schedule", rig.Vm, vmss);
        (await rig.Api.ErrorAsync("VMSS.set_type", vmss, "snapshot_with_quiesce")).Should().Equal("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", rig.Vm);
    }

    [Theory]
    [InlineData("hourly", "min=15", "2025-01-06T10:14:59", "2025-01-06T10:15:00", true)]
    [InlineData("hourly", "min=15", "2025-01-06T10:15:00", "2025-01-06T11:14:00", false)]
    [InlineData("daily", "hour=10 min=0", "2025-01-06T09:59:00", "2025-01-06T10:00:30", true)]
    [InlineData("daily", "hour=11 min=0", "2025-01-06T09:59:00", "2025-01-06T10:00:30", false)]
    [InlineData("weekly", "days=Monday hour=0 min=30", "2025-01-06T00:29:30", "2025-01-06T00:30:00", true)]
    [InlineData("weekly", "days=Tuesday,Sunday hour=0 min=30", "2025-01-06T00:29:30", "2025-01-06T00:30:00", false)]
    [InlineData("weekly", "days=Sunday hour=0 min=30", "2025-01-04T00:29:30", "2025-01-06T00:30:00", true)]
    public async Task A_schedule_is_due_when_its_time_passes(string frequency, string times, string from, string to, bool due)
    {
        var api = await server.LoginAsync();
        var vmss = await CreateAsync(api, frequency, [.. times.Split(' ').Select(t => t.Split('=')).Select(p => (p[0], p[1]))]);
        VmssSchedule.IsDue(server.Host.Records.Current.Find(vmss)!, DateTimeOffset.Parse(from + "Z"), DateTimeOffset.Parse(to + "Z")).Should().Be(due);
    }

    [Fact]
    public async Task The_time_of_a_schedule_comes_by_itself()
    {
        var clock = new ManualClock(new(2025, 1, 6, 10, 13, 0, TimeSpan.Zero));
        var own = await RunningServer.CreateAsync(clock: clock);
        try
        {
            var rig = await VmRig.CreateAsync(own);
            var vmss = await CreateAsync(rig.Api, "hourly", ("min", "30"));
            var off = await CreateAsync(rig.Api, "hourly", ("min", "30"));
            await rig.Api.CallAsync("VMSS.set_enabled", off, false);
            await rig.Api.CallAsync("VM.set_snapshot_schedule", rig.Vm, vmss);
            clock.Advance(TimeSpan.FromMinutes(20));
            using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (await rig.Api.TextAsync("VMSS.get_last_run_time", vmss) == Records.Never)
                await Task.Delay(20, cap.Token);
            var snapshot = await rig.RecordAsync((await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().ContainSingle().Subject);
            Text(snapshot, "snapshot_time").Should().Be("20250106T10:33:00Z");
            Flag(snapshot, "is_vmss_snapshot").Should().BeTrue();
            (await rig.Api.TextAsync("VMSS.get_last_run_time", off)).Should().Be(Records.Never);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    private static async Task<string> CreateAsync(XenClient api, string frequency, params (string Key, string Value)[] schedule) =>
        await api.TextAsync("VMSS.create", Record(frequency, schedule));

    private static JsonObject Record(string frequency, params (string Key, string Value)[] schedule) => JsonArguments.Map(
        ("name_label", "schedule"), ("type", "snapshot"), ("frequency", frequency), ("schedule", JsonArguments.Map([.. schedule.Select(s => (s.Key, (object?)s.Value))])));

    private static async Task<string> ScheduleAsync(XenClient api, string vmss) =>
        string.Join(' ', (await api.CallAsync("VMSS.get_schedule", vmss)).AsObject().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + "=" + p.Value));

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
