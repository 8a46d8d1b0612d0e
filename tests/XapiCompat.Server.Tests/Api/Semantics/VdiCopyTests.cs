using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>VDI.copy and VDI.pool_migrate: exactly the bytes, holes stay holes, nothing is left of a failure.</summary>
public sealed class VdiCopyTests(TwoSrServer rig) : IClassFixture<TwoSrServer>
{
    private const long MiB = Records.MiB;

    /// <summary>The driver's parameters are its own, but for one that the new disk keeps.</summary>
    [Theory]
    [InlineData("VDI.snapshot")]
    [InlineData("VDI.clone")]
    public async Task A_branch_keeps_what_it_mirrors(string message)
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(4 << 20);
        var branch = await disks.Api.TextAsync(message, vdi, JsonArguments.Map(("base_mirror", "sr/vdi"), ("type", "raw"), ("epochhint", "1"), ("vhd-parent", "x")));
        var plain = await disks.Api.TextAsync(message, vdi);
        await disks.Api.CallAsync("SR.scan", await disks.DefaultSrAsync());
        var config = (await disks.RecordAsync(branch))["sm_config"]!.AsObject();
        config["base_mirror"]!.GetValue<string>().Should().Be("sr/vdi");
        (config["vhd-parent"]?.GetValue<string>()).Should().NotBe("x");
        config.Select(p => p.Key).Should().BeSubsetOf(["base_mirror", "vhd-parent"]);
        (await disks.RecordAsync(plain))["sm_config"]!.AsObject().Should().NotContainKey("base_mirror");
        (await disks.RecordAsync(vdi))["sm_config"]!.AsObject().Should().NotContainKey("base_mirror");
    }

    [Fact]
    [SeesEffectOf("VDI.copy")]
    public async Task A_copy_has_the_bytes_and_the_fields_and_nothing_in_common()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var sr = await disks.DefaultSrAsync();
        var vdi = await disks.CreateAsync(
            20 * MiB, "original", ("name_description", "text"), ("tags", JsonArguments.Array(["t"])), ("type", "system"), ("other_config", JsonArguments.Map(("k", "v"))),
            ("xenstore_data", JsonArguments.Map(("x", "y"))), ("sm_config", JsonArguments.Map(("own", "key"))));
        await disks.ImportAsync(vdi, Pattern(5_000_000, 1));
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await disks.ImportAsync(vdi, Pattern(3_000_000, 2));

        var copy = await disks.Api.TextAsync("VDI.copy", vdi, sr);
        var (record, before) = (await disks.RecordAsync(copy), await disks.RecordAsync(vdi));
        foreach (var field in (string[])["name_label", "name_description", "virtual_size", "type", "sharable", "other_config", "xenstore_data", "tags", "on_boot", "allow_caching"])
            JsonNode.DeepEquals(record[field], before[field]).Should().BeTrue(field);
        record["sm_config"]!.AsObject().Should().BeEmpty("a full copy has no parent");
        Flag(record, "read_only").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeFalse();
        Flag(record, "managed").Should().BeTrue();
        Text(record, "snapshot_of").Should().Be(Records.Null);
        Text(record, "uuid").Should().NotBe(Text(before, "uuid"));
        (await disks.HashAsync(copy)).Should().Be(await disks.HashAsync(vdi));
        Int(record, "physical_utilisation").Should().BeLessThan(8 * MiB, "holes stay holes").And.BeGreaterThan(5 * MiB);

        var ofSnapshot = await disks.Api.TextAsync("VDI.copy", snapshot, sr);
        (await disks.HashAsync(ofSnapshot)).Should().Be(await disks.HashAsync(snapshot));
        Flag(await disks.RecordAsync(ofSnapshot), "is_a_snapshot").Should().BeFalse();
        foreach (var old in (string[])[vdi, snapshot])
            await disks.Api.CallAsync("VDI.destroy", old);
        (await disks.ExportAsync(copy)).AsSpan(0, 3_000_000).SequenceEqual(Pattern(3_000_000, 2)).Should().BeTrue("it needs nothing of the original");
    }

    [Fact]
    public async Task A_copy_goes_to_another_SR()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(10 * MiB);
        await disks.ImportAsync(vdi, Pattern(2_500_000, 3));
        var before = await AllocationAsync(disks, rig.OtherSr);
        var task = await disks.Api.FinishedTaskAsync("Async.VDI.copy", vdi, rig.OtherSr);
        Text(task, "status").Should().Be("success");
        var copy = Text(task, "result")["<value>".Length..^"</value>".Length];
        Text(await disks.RecordAsync(copy), "SR").Should().Be(rig.OtherSr);
        (await disks.HashAsync(copy)).Should().Be(await disks.HashAsync(vdi));
        (await AllocationAsync(disks, rig.OtherSr)).Should().Be(before + (10 * MiB));
    }

    [Fact]
    public async Task A_copy_into_a_given_disk_replaces_all_it_held()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(6 * MiB);
        await disks.ImportAsync(vdi, Pattern(1_000_000, 4));
        var into = await disks.CreateAsync(8 * MiB, "target");
        await disks.ImportAsync(into, Pattern((int)(8 * MiB), 5));
        (await disks.Api.TextAsync("VDI.copy", vdi, Records.Null, Records.Null, into)).Should().Be(into);
        var bytes = await disks.ExportAsync(into);
        var expected = await disks.ExportAsync(vdi);
        bytes.AsSpan(0, (int)(6 * MiB)).SequenceEqual(expected).Should().BeTrue();
        bytes.AsSpan((int)(6 * MiB)).SequenceEqual(Pattern((int)(8 * MiB), 5).AsSpan((int)(6 * MiB))).Should().BeTrue("the rest is not the copy's");
        Text(await disks.RecordAsync(into), "name_label").Should().Be("target");
    }

    [Fact]
    public async Task With_a_base_only_the_difference_is_written()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(12 * MiB);
        await disks.ImportAsync(vdi, Pattern((int)(12 * MiB), 6));
        var first = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var into = await disks.Api.TextAsync("VDI.copy", first, rig.OtherSr);
        await disks.ImportAsync(vdi, Pattern(100_000, 7));
        var second = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await disks.Api.CallAsync("VDI.copy", second, Records.Null, first, into);
        (await disks.HashAsync(into)).Should().Be(await disks.HashAsync(second));

        var partial = await disks.Api.TextAsync("VDI.copy", second, rig.OtherSr, first);
        Int(await disks.RecordAsync(partial), "physical_utilisation").Should().BeLessThan(4 * MiB, "only the changed block was written");
        (await disks.ExportAsync(partial)).AsSpan(0, 100_000).SequenceEqual(Pattern(100_000, 7)).Should().BeTrue();

        // A base of another SR tells nothing: all of it is written.
        await disks.ImportAsync(into, Pattern(50_000, 8));
        await disks.Api.CallAsync("VDI.copy", second, Records.Null, partial, into);
        (await disks.HashAsync(into)).Should().Be(await disks.HashAsync(second));
    }

    [Fact]
    public async Task Refusals_of_a_copy()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var sr = await disks.DefaultSrAsync();
        var vdi = await disks.CreateAsync(4 * MiB);
        var small = await disks.CreateAsync(2 * MiB);
        (await disks.Api.ErrorAsync("VDI.copy", vdi, Records.Null, Records.Null, small)).Should().Equal("VDI_TOO_SMALL", small, "4194304");
        await disks.Api.CallAsync("VDI.set_read_only", small, true);
        (await disks.Api.ErrorAsync("VDI.copy", small, Records.Null, Records.Null, small)).Should().Equal("VDI_READONLY", small);
        (await disks.Api.ErrorAsync("VDI.copy", vdi, Records.Null)).Should().Equal("HANDLE_INVALID", "SR", Records.Null);
        (await disks.Api.ErrorAsync("VDI.copy", vdi, SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "SR", SampleValues.Nowhere);
        (await disks.Api.ErrorAsync("VDI.copy", vdi, sr, SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "VDI", SampleValues.Nowhere);
        var dvd = (await disks.Api.ListAsync("SR.get_all_where", "field \"type\" = \"udev\""))[0];
        (await disks.Api.ErrorAsync("VDI.copy", vdi, dvd)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", dvd);
        await disks.Api.CallAsync("VDI.set_on_boot", vdi, "reset");
        (await disks.Api.ErrorAsync("VDI.copy", vdi, sr)).Should().Equal("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
        await disks.Api.CallAsync("VDI.snapshot", small);
        var parent = await disks.Api.TextAsync("VDI.get_by_uuid", await disks.UuidAsync(small));
        parent.Should().Be(small);
        var log = await disks.CreateAsync(2 * MiB, "log", ("type", "redo_log"));
        (await disks.Api.ErrorAsync("VDI.copy", log, sr))[0].Should().Be("OPERATION_NOT_ALLOWED");
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("user"));
        var used = await disks.CreateAsync(2 * MiB);
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, used, "0"));
        rig.Server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", true));
        (await disks.Api.ErrorAsync("VDI.copy", used, sr)).Should().Equal("VDI_IN_USE", used, "copy");
        rig.Server.Host.Records.Commit(unit => unit.Set(vbd, "mode", "RO"));
        await disks.Api.CallAsync("VDI.copy", used, sr);
    }

    [Theory]
    [InlineData("write", "VDI_IO_ERROR")]
    [InlineData("read", "VDI_IO_ERROR")]
    [InlineData("create", "SR_BACKEND_FAILURE_44")]
    [InlineData("full", "SR_BACKEND_FAILURE_44")]
    public async Task A_failed_copy_leaves_nothing_behind(string operation, string code)
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(6 * MiB);
        await disks.ImportAsync(vdi, Pattern(4_500_000, 9));
        var (records, files) = (await disks.Api.ListAsync("VDI.get_all"), Files());
        if (operation == "full")
            rig.Faults.Fail("write", 2, StorageFaults.Full);
        else
            rig.Faults.Fail(operation, operation == "create" ? 1 : 2, () => operation == "create" ? StorageFaults.Full() : new IOException("broken"));
        (await disks.Api.ErrorAsync("VDI.copy", vdi, rig.OtherSr))[0].Should().Be(code);
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(records);
        Files().Should().BeEquivalentTo(files);
        (await disks.RecordAsync(vdi))["current_operations"]!.AsObject().Should().BeEmpty();
        rig.Server.Host.Records.Intents.Should().BeEmpty();
    }

    [Fact]
    public async Task A_copy_shows_while_it_runs_and_can_be_cancelled()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(6 * MiB);
        await disks.ImportAsync(vdi, Pattern(4_500_000, 10));
        var (records, files) = (await disks.Api.ListAsync("VDI.get_all"), Files());
        using (var pause = rig.Faults.Pause("write", 2))
        {
            var task = await disks.Api.TextAsync("Async.VDI.copy", vdi, rig.OtherSr);
            await pause.Reached;
            (await disks.Api.ListAsync("VDI.get_all")).Should().HaveCount(records.Count + 1, "the target is there already");
            Text((await disks.RecordAsync(vdi))["current_operations"]!, task).Should().Be("copy");
            ((await disks.Api.RecordAsync("task", task))["progress"]!.GetValue<double>()).Should().BeInRange(0.1, 0.9);
            await disks.Api.CallAsync("task.cancel", task);
            Text(await disks.Api.FinishedAsync(task), "status").Should().Be("cancelled");
        }

        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(records);
        Files().Should().BeEquivalentTo(files);
        (await disks.RecordAsync(vdi))["current_operations"]!.AsObject().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VDI.pool_migrate")]
    public async Task A_disk_moves_to_another_SR_with_its_VBDs_and_snapshots()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(6 * MiB, "mover");
        await disks.ImportAsync(vdi, Pattern(4_000_000, 11));
        var (hash, uuid) = (await disks.HashAsync(vdi), await disks.UuidAsync(vdi));
        (await disks.Api.ErrorAsync("VDI.pool_migrate", vdi, rig.OtherSr, JsonArguments.Map())).Should().Equal("VDI_NEEDS_VM_FOR_MIGRATE", vdi);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("owner"));
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, vdi, "0"));
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        (await disks.Api.TextAsync("VDI.pool_migrate", vdi, await disks.DefaultSrAsync(), JsonArguments.Map())).Should().Be(vdi, "it is there already");

        var moved = await disks.Api.TextAsync("VDI.pool_migrate", vdi, rig.OtherSr, JsonArguments.Map());
        Text(await disks.RecordAsync(moved), "SR").Should().Be(rig.OtherSr);
        Text(await disks.RecordAsync(moved), "name_label").Should().Be("mover");
        (await disks.HashAsync(moved)).Should().Be(hash);
        (await disks.Api.TextAsync("VBD.get_VDI", vbd)).Should().Be(moved);
        (await disks.Api.ListAsync("VDI.get_snapshots", moved)).Should().Equal(snapshot);
        (await disks.Api.ErrorAsync("VDI.get_uuid", vdi)).Should().Equal("HANDLE_INVALID", "VDI", vdi);
        Files().Should().NotContain(f => f.EndsWith(uuid + ".vhd", StringComparison.Ordinal));
        (await disks.HashAsync(snapshot)).Should().Be(hash);
        rig.Server.Host.Records.Commit(unit => unit.Set(moved, "cbt_enabled", true));
        (await disks.Api.ErrorAsync("VDI.pool_migrate", moved, await disks.DefaultSrAsync(), JsonArguments.Map())).Should().Equal("VDI_CBT_ENABLED", moved);
    }

    private List<string> Files() => [.. Directory.EnumerateFiles(rig.Server.StatePath, "*", SearchOption.AllDirectories).Where(f => f.Contains("/sr/", StringComparison.Ordinal))];

    private static async Task<long> AllocationAsync(DiskClient disks, string sr) => (await disks.Api.CallAsync("SR.get_virtual_allocation", sr)).GetValue<long>();

    private static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();

    private static long Int(JsonNode record, string field) => record[field]!.GetValue<long>();
}
