using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Records of disks without their data, and what the data itself remembers.</summary>
public sealed class VdiRecordTests(TwoSrServer rig) : IClassFixture<TwoSrServer>
{
    private const long MiB = Records.MiB;

    [Fact]
    [SeesEffectOf("VDI.forget", "VDI.db_forget")]
    public async Task Forgotten_disks_come_back_with_a_scan_and_know_what_they_were()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var sr = await disks.DefaultSrAsync();
        var vdi = await disks.CreateAsync(4 * MiB, "remembered", ("name_description", "well"), ("type", "system"));
        await disks.ImportAsync(vdi, [7, 7, 7]);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var before = await disks.RecordAsync(snapshot);
        var (uuid, snapshotUuid) = (await disks.UuidAsync(vdi), Text(before, "uuid"));
        await disks.Api.CallAsync("VDI.forget", snapshot);
        (await disks.Api.ErrorAsync("VDI.get_uuid", snapshot)).Should().Equal("HANDLE_INVALID", "VDI", snapshot);
        await disks.Api.CallAsync("VDI.db_forget", vdi);
        (await disks.Api.ErrorAsync("VDI.get_by_uuid", uuid)).Should().Equal("UUID_INVALID", "VDI", uuid);

        await disks.Api.CallAsync("SR.scan", sr);
        var (back, snapshotBack) = (await disks.Api.TextAsync("VDI.get_by_uuid", uuid), await disks.Api.TextAsync("VDI.get_by_uuid", snapshotUuid));
        back.Should().NotBe(vdi);
        var after = await disks.RecordAsync(snapshotBack);
        foreach (var field in (string[])["name_label", "name_description", "type", "is_a_snapshot", "snapshot_time", "virtual_size", "managed", "sm_config", "location"])
            JsonNode.DeepEquals(after[field], before[field]).Should().BeTrue(field + ": " + after[field]?.ToJsonString());
        Text(after, "snapshot_of").Should().Be(back, "the link leads to the new reference");
        (await disks.Api.ListAsync("VDI.get_snapshots", back)).Should().Equal(snapshotBack);
        (await disks.ExportAsync(snapshotBack))[2].Should().Be(7);

        // A disk that alone comes back is found by its snapshots again.
        await disks.Api.CallAsync("VDI.forget", back);
        await disks.Api.CallAsync("SR.scan", sr);
        (await disks.Api.TextAsync("VDI.get_snapshot_of", snapshotBack)).Should().Be(await disks.Api.TextAsync("VDI.get_by_uuid", uuid));
    }

    [Fact]
    public async Task A_disk_in_use_or_with_statistics_is_not_forgotten()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(2 * MiB, "rrd", ("type", "rrd"));
        (await disks.Api.ErrorAsync("VDI.forget", vdi)).Should().Equal("VDI_HAS_RRDS", vdi);
        (await disks.Api.ErrorAsync("VDI.destroy", vdi)).Should().Equal("VDI_HAS_RRDS", vdi);
        var used = await disks.CreateAsync(2 * MiB);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("user"));
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, used, "0"));
        rig.Server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", true));
        (await disks.Api.ErrorAsync("VDI.forget", used)).Should().Equal("VDI_IN_USE", used, "forget");
        (await disks.Api.ErrorAsync("VDI.update", used)).Should().Equal("VDI_IN_USE", used, "update");
    }

    [Fact]
    [SeesEffectOf("VDI.introduce")]
    public async Task A_forgotten_disk_is_introduced_where_the_driver_can()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.Api.TextAsync("VDI.create", Records.Vdi(rig.OtherSr, 4 * MiB, "kept by the plugin"));
        await disks.ImportAsync(vdi, [9, 9]);
        var uuid = await disks.UuidAsync(vdi);
        await disks.Api.CallAsync("VDI.forget", vdi);
        (await disks.Api.ErrorAsync("VDI.introduce", Arguments(uuid, "", rig.OtherSr, uuid))).Should().Equal("SR_OPERATION_NOT_SUPPORTED", rig.OtherSr);
        rig.SetFeature("lvm", "VDI_INTRODUCE", true);
        try
        {
            var back = await disks.Api.TextAsync("VDI.introduce", Arguments(uuid, "", rig.OtherSr, uuid));
            var record = await disks.RecordAsync(back);
            Text(record, "uuid").Should().Be(uuid);
            Text(record, "name_label").Should().Be("kept by the plugin", "empty names keep the plugin's");
            Text(record, "type").Should().Be("system");
            Int(record, "virtual_size").Should().Be(4 * MiB, "the plugin knows better than the caller");
            Flag(record, "managed").Should().BeTrue();
            record["other_config"]!.ToJsonString().Should().Be("""{"o":"c"}""");
            (await disks.ExportAsync(back))[1].Should().Be(9);
            var other = Guid.NewGuid().ToString();
            (await disks.Api.ErrorAsync("VDI.introduce", Arguments(other, "", rig.OtherSr, uuid))).Should().Equal("LOCATION_NOT_UNIQUE", rig.OtherSr, uuid);
            (await disks.Api.ErrorAsync("VDI.introduce", Arguments(other, "", rig.OtherSr, other))).Should().Equal("VDI_MISSING", rig.OtherSr, other);
        }
        finally
        {
            rig.SetFeature("lvm", "VDI_INTRODUCE", false);
        }
    }

    [Theory]
    [InlineData("VDI.db_introduce")]
    [InlineData("VDI.pool_introduce")]
    [SeesEffectOf("VDI.db_introduce", "VDI.pool_introduce")]
    public async Task A_row_has_what_the_caller_says(string message)
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var (uuid, location) = (Guid.NewGuid().ToString(), "somewhere " + message);
        var before = (await disks.Api.CallAsync("SR.get_virtual_allocation", rig.OtherSr)).GetValue<long>();
        var vdi = await disks.Api.TextAsync(message, Arguments(uuid, "a row", rig.OtherSr, location));
        var record = await disks.RecordAsync(vdi);
        Text(record, "uuid").Should().Be(uuid);
        Text(record, "location").Should().Be(location);
        Text(record, "name_label").Should().Be("a row");
        Int(record, "virtual_size").Should().Be(12345);
        Int(record, "physical_utilisation").Should().Be(678);
        Flag(record, "is_a_snapshot").Should().BeTrue();
        Text(record, "snapshot_time").Should().Be("20250102T03:04:05Z");
        (await disks.Api.CallAsync("SR.get_virtual_allocation", rig.OtherSr)).GetValue<long>().Should().Be(before + 12345);
        (await disks.Api.ErrorAsync(message, Arguments(Guid.NewGuid().ToString(), "", rig.OtherSr, location))).Should().Equal("LOCATION_NOT_UNIQUE", rig.OtherSr, location);
        (await disks.Api.ErrorAsync(message, Arguments("no uuid", "", rig.OtherSr, "elsewhere"))).Should().Equal("UUID_INVALID", "VDI", "no uuid");
        (await disks.Api.ErrorAsync(message, Arguments(uuid, "", rig.OtherSr, "elsewhere")))[0].Should().Be("DB_UNIQUENESS_CONSTRAINT_VIOLATION");
        await disks.Api.CallAsync("VDI.db_forget", vdi);
        (await disks.Api.CallAsync("SR.get_virtual_allocation", rig.OtherSr)).GetValue<long>().Should().Be(before);
    }

    [Fact]
    [SeesEffectOf("VDI.update")]
    public async Task Update_looks_at_the_volume_again()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(4 * MiB, "true name");
        rig.Server.Host.Records.Commit(unit =>
        {
            unit.Set(vdi, "name_label", "wrong");
            unit.Set(vdi, "physical_utilisation", 1);
            unit.Set(vdi, "virtual_size", 2);
        });
        await disks.Api.CallAsync("VDI.update", vdi);
        var record = await disks.RecordAsync(vdi);
        Text(record, "name_label").Should().Be("true name");
        Int(record, "virtual_size").Should().Be(4 * MiB);
        Int(record, "physical_utilisation").Should().BeGreaterThan(1);
    }

    [Fact]
    [SeesEffectOf(
        "VDI.set_managed", "VDI.set_missing", "VDI.set_virtual_size", "VDI.set_physical_utilisation", "VDI.set_is_a_snapshot", "VDI.set_snapshot_of",
        "VDI.set_snapshot_time", "VDI.set_metadata_of_pool", "VDI.set_cbt_enabled", "VDI.read_database_pool_uuid")]
    public async Task Fields_that_drivers_write()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var pool = (await disks.Api.ListAsync("pool.get_all"))[0];
        var vdi = await disks.CreateAsync(2 * MiB, "fields", ("type", "metadata"));
        var origin = await disks.CreateAsync(2 * MiB);
        var before = (await disks.Api.CallAsync("SR.get_virtual_allocation", await disks.DefaultSrAsync())).GetValue<long>();
        (await disks.Api.TextAsync("VDI.read_database_pool_uuid", vdi)).Should().BeEmpty();
        foreach (var (field, value) in (IEnumerable<(string, object)>)[
            ("missing", true), ("virtual_size", 4 * MiB), ("physical_utilisation", 99), ("is_a_snapshot", true), ("snapshot_of", origin),
            ("snapshot_time", "20250102T03:04:05Z"), ("metadata_of_pool", pool), ("cbt_enabled", true)])
        {
            await disks.Api.CallAsync("VDI.set_" + field, vdi, value);
            JsonNode.DeepEquals((await disks.RecordAsync(vdi))[field], JsonArguments.Of(value)).Should().BeTrue(field);
        }

        (await disks.Api.TextAsync("VDI.read_database_pool_uuid", vdi)).Should().Be(await disks.Api.TextAsync("pool.get_uuid", pool));
        (await disks.Api.ListAsync("VDI.get_snapshots", origin)).Should().Equal(vdi);
        (await disks.Api.CallAsync("SR.get_virtual_allocation", await disks.DefaultSrAsync())).GetValue<long>().Should().Be(before + (2 * MiB));
        var uuid = await disks.UuidAsync(vdi);
        await disks.Api.CallAsync("VDI.db_forget", vdi);
        await disks.Api.CallAsync("SR.scan", await disks.DefaultSrAsync());
        var back = await disks.Api.TextAsync("VDI.get_by_uuid", uuid);
        Text(await disks.RecordAsync(back), "snapshot_of").Should().Be(origin, "such facts lie with the data");
        Text(await disks.RecordAsync(back), "snapshot_time").Should().Be("20250102T03:04:05Z");
        Text(await disks.RecordAsync(back), "type").Should().Be("metadata");

        await disks.Api.CallAsync("VDI.set_managed", back, false);
        foreach (var message in (string[])["VDI.snapshot", "VDI.destroy", "VDI.checksum"])
            (await disks.Api.ErrorAsync(message, back)).Should().Equal("VDI_NOT_MANAGED", back);
        (await disks.Api.ErrorAsync("VDI.copy", back, rig.OtherSr)).Should().Equal("VDI_NOT_MANAGED", back);
        (await disks.Api.ErrorAsync("VDI.resize", back, 8 * MiB)).Should().Equal("VDI_NOT_MANAGED", back);
    }

    private static object?[] Arguments(string uuid, string name, string sr, string location) =>
    [
        uuid, name, "", sr, "system", false, false, JsonArguments.Map(("o", "c")), location, JsonArguments.Map(), JsonArguments.Map(), true, 12345, 678, Records.Null,
        true, "20250102T03:04:05Z", Records.Null,
    ];

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();

    private static long Int(JsonNode record, string field) => record[field]!.GetValue<long>();
}
