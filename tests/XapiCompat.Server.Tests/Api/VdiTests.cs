using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Create, snapshot, clone, resize and destroy of disks, field by field.</summary>
public sealed class VdiTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const long MiB = Records.MiB;
    private const long Largest = 2190433320960;

    [Theory]
    [InlineData(0, 2 * MiB)]
    [InlineData(1, 2 * MiB)]
    [InlineData(10, 2 * MiB)]
    [InlineData((2 * MiB) - 1, 2 * MiB)]
    [InlineData(2 * MiB, 2 * MiB)]
    [InlineData((2 * MiB) + 1, 4 * MiB)]
    [InlineData(25769705472, 25769803776)]
    [InlineData(Largest, Largest)]
    public async Task Sizes_are_rounded_up_to_2_MiB(long asked, long made)
    {
        var disks = await DiskClient.LoginAsync(server);
        var record = await disks.RecordAsync(await disks.CreateAsync(asked));
        record["virtual_size"]!.GetValue<long>().Should().Be(made);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(Largest + 1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public async Task Sizes_out_of_range_are_refused(long asked)
    {
        var disks = await DiskClient.LoginAsync(server);
        var before = (await disks.Api.ListAsync("VDI.get_all")).Count;
        var error = await disks.Api.ErrorAsync("VDI.create", Records.Vdi(await disks.DefaultSrAsync(), asked));
        error[0].Should().Be("SR_BACKEND_FAILURE_79");
        error.Should().HaveCount(4);
        (await disks.Api.ListAsync("VDI.get_all")).Should().HaveCount(before);
        Directory.EnumerateFiles(server.StatePath, "*.tmp", SearchOption.AllDirectories).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VDI.create")]
    public async Task A_new_disk_has_what_it_was_given_and_what_the_SR_made()
    {
        var disks = await DiskClient.LoginAsync(server);
        var sr = await disks.DefaultSrAsync();
        var vdi = await disks.CreateAsync(
            10, "given", ("name_description", "text"), ("sharable", true), ("type", "system"), ("tags", JsonArguments.Array(["t"])),
            ("other_config", JsonArguments.Map(("k", "v"))), ("xenstore_data", JsonArguments.Map(("x", "y"))), ("sm_config", JsonArguments.Map(("unknown", "kept"))));
        var record = await disks.RecordAsync(vdi);
        Text(record, "name_label").Should().Be("given");
        Text(record, "name_description").Should().Be("text");
        Text(record, "type").Should().Be("system");
        Flag(record, "sharable").Should().BeTrue();
        Text(record, "SR").Should().Be(sr);
        record["tags"]!.ToJsonString().Should().Be("""["t"]""");
        record["other_config"]!.ToJsonString().Should().Be("""{"k":"v"}""");
        record["xenstore_data"]!.ToJsonString().Should().Be("""{"x":"y"}""");
        Text(record, "location").Should().Be(Text(record, "uuid"), "file SRs name volumes by uuid");
        Flag(record, "managed").Should().BeTrue();
        Flag(record, "read_only").Should().BeFalse();
        Flag(record, "missing").Should().BeFalse();
        Flag(record, "storage_lock").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeFalse();
        Flag(record, "is_tools_iso").Should().BeFalse();
        Flag(record, "cbt_enabled").Should().BeFalse();
        Flag(record, "allow_caching").Should().BeFalse();
        Text(record, "on_boot").Should().Be("persist");
        foreach (var link in (string[])["snapshot_of", "parent", "metadata_of_pool"])
            Text(record, link).Should().Be(Records.Null, link);
        Text(record, "snapshot_time").Should().Be(Records.Never);
        record["sm_config"]!.AsObject().ContainsKey("vhd-parent").Should().BeFalse();
        (await disks.Api.ListAsync("SR.get_VDIs", sr)).Should().Contain(vdi);
    }

    [Fact]
    public async Task Some_types_and_SRs_take_no_disk()
    {
        var disks = await DiskClient.LoginAsync(server);
        var sr = await disks.DefaultSrAsync();
        (await disks.Api.ErrorAsync("VDI.create", Records.Vdi(sr, MiB, "x", ("type", "cbt_metadata")))).Should().Equal("VDI_INCOMPATIBLE_TYPE", "", "CBT metadata");
        (await disks.Api.ErrorAsync("VDI.create", Records.Vdi(SampleValues.Nowhere, MiB))).Should().Equal("HANDLE_INVALID", "SR", SampleValues.Nowhere);
        var dvd = (await disks.Api.ListAsync("SR.get_all_where", "field \"type\" = \"udev\""))[0];
        (await disks.Api.ErrorAsync("VDI.create", Records.Vdi(dvd, MiB))).Should().Equal("SR_OPERATION_NOT_SUPPORTED", dvd);
    }

    [Fact]
    [SeesEffectOf("VDI.snapshot")]
    public async Task A_snapshot_has_the_documented_fields()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        var before = await disks.RecordAsync(vdi);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi, JsonArguments.Map(("epochhint", Guid.NewGuid().ToString()), ("no_such_param", "x")));
        var record = await disks.RecordAsync(snapshot);
        CopiedFieldsAgree(record, before);
        Flag(record, "is_a_snapshot").Should().BeTrue();
        Text(record, "snapshot_of").Should().Be(vdi);
        Text(record, "snapshot_time").Should().NotBe(Records.Never).And.MatchRegex("^[0-9]{8}T[0-9:]{8}Z$");
        Flag(record, "read_only").Should().BeFalse();
        record["VBDs"]!.AsArray().Should().BeEmpty();
        record["snapshots"]!.AsArray().Should().BeEmpty();

        var after = await disks.RecordAsync(vdi);
        after["snapshots"]!.ToJsonString().Should().Be("[\"" + snapshot + "\"]");
        Text(after, "uuid").Should().Be(Text(before, "uuid"));
        var parent = Text(record["sm_config"]!, "vhd-parent");
        Text(after["sm_config"]!, "vhd-parent").Should().Be(parent, "both hang on the new base copy");
        var baseCopy = await disks.RecordAsync(await disks.Api.TextAsync("VDI.get_by_uuid", parent));
        Text(baseCopy, "name_label").Should().Be("base copy");
        Text(baseCopy, "type").Should().Be("user");
        Flag(baseCopy, "managed").Should().BeFalse();
        Flag(baseCopy, "read_only").Should().BeTrue();
        Flag(baseCopy, "is_a_snapshot").Should().BeFalse();
        baseCopy["sm_config"]!.AsObject().ContainsKey("vhd-parent").Should().BeFalse("it has no parent itself");
    }

    [Fact]
    [SeesEffectOf("VDI.clone")]
    public async Task A_clone_has_the_documented_fields()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        foreach (var source in (string[])[vdi, snapshot])
        {
            var before = await disks.RecordAsync(source);
            var record = await disks.RecordAsync(await disks.Api.TextAsync("VDI.clone", source, JsonArguments.Map()));
            CopiedFieldsAgree(record, before);
            Flag(record, "is_a_snapshot").Should().BeFalse();
            Text(record, "snapshot_of").Should().Be(Records.Null);
            Text(record, "snapshot_time").Should().Be(Records.Never);
            Flag(record, "read_only").Should().BeFalse();
            Flag(record, "managed").Should().BeTrue();
            record["snapshots"]!.AsArray().Should().BeEmpty();
            record["VBDs"]!.AsArray().Should().BeEmpty();
        }
    }

    [Fact]
    public async Task A_snapshot_of_a_snapshot_belongs_to_it()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(MiB);
        var first = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var second = await disks.Api.TextAsync("VDI.snapshot", first);
        Text(await disks.RecordAsync(second), "snapshot_of").Should().Be(first);
        (await disks.Api.ListAsync("VDI.get_snapshots", vdi)).Should().Equal(first);
        (await disks.Api.ListAsync("VDI.get_snapshots", first)).Should().Equal(second);
    }

    [Fact]
    public async Task An_empty_leaf_makes_no_further_base_copy()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(4 * MiB);
        await disks.ImportAsync(vdi, new byte[512].Select(_ => (byte)1).ToArray());
        var first = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var parent = Text((await disks.RecordAsync(vdi))["sm_config"]!, "vhd-parent");
        var second = await disks.Api.TextAsync("VDI.snapshot", vdi);
        Text((await disks.RecordAsync(second))["sm_config"]!, "vhd-parent").Should().Be(parent);
        Text((await disks.RecordAsync(first))["sm_config"]!, "vhd-parent").Should().Be(parent);
        Text((await disks.RecordAsync(vdi))["sm_config"]!, "vhd-parent").Should().Be(parent);
    }

    [Fact]
    public async Task A_base_copy_is_left_alone()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        await disks.Api.CallAsync("VDI.snapshot", vdi);
        var hidden = await disks.Api.TextAsync("VDI.get_by_uuid", Text((await disks.RecordAsync(vdi))["sm_config"]!, "vhd-parent"));
        foreach (var method in (string[])["VDI.snapshot", "VDI.clone", "VDI.destroy"])
            (await disks.Api.ErrorAsync(method, hidden)).Should().Equal(["VDI_NOT_MANAGED", hidden], method);
        (await disks.Api.ErrorAsync("VDI.resize", hidden, 100 * MiB)).Should().Equal("VDI_NOT_MANAGED", hidden);
    }

    [Fact]
    public async Task Destroying_the_origin_leaves_its_snapshots_with_a_dangling_link()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var hash = await disks.HashAsync(snapshot);
        await disks.Api.CallAsync("VDI.destroy", vdi);
        (await disks.Api.ErrorAsync("VDI.get_uuid", vdi)).Should().Equal("HANDLE_INVALID", "VDI", vdi);
        Text(await disks.RecordAsync(snapshot), "snapshot_of").Should().Be(vdi);
        (await disks.HashAsync(snapshot)).Should().Be(hash);
    }

    [Fact]
    public async Task A_base_copy_goes_with_its_last_child()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var parent = Text((await disks.RecordAsync(vdi))["sm_config"]!, "vhd-parent");
        await disks.Api.CallAsync("VDI.destroy", vdi);
        await disks.Api.CallAsync("VDI.get_by_uuid", parent);
        await disks.Api.CallAsync("VDI.destroy", snapshot);
        (await disks.Api.ErrorAsync("VDI.get_by_uuid", parent)).Should().Equal("UUID_INVALID", "VDI", parent);
        Directory.EnumerateFiles(server.StatePath, parent + "*", SearchOption.AllDirectories).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VDI.destroy")]
    public async Task Destroy_takes_unattached_VBDs_along_and_refuses_attached_ones()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("holder"));
        var vdi = await disks.CreateAsync(MiB);
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, vdi));
        server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", true));
        (await disks.Api.ErrorAsync("VDI.destroy", vdi)).Should().Equal("VDI_IN_USE", vdi, "destroy");
        (await disks.Api.ErrorAsync("VDI.resize", vdi, 100 * MiB)).Should().Equal("VDI_IN_USE", vdi, "resize");
        await disks.Api.CallAsync("VDI.snapshot", vdi);
        server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", false));
        await disks.Api.CallAsync("VDI.destroy", vdi);
        (await disks.Api.ErrorAsync("VBD.get_uuid", vbd)).Should().Equal("HANDLE_INVALID", "VBD", vbd);
        (await disks.Api.ListAsync("VM.get_VBDs", vm)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("sharable", true, "VDI_IS_SHARABLE")]
    [InlineData("on_boot", "reset", "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION")]
    public async Task Some_disks_take_no_snapshot(string field, object value, string code)
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(MiB);
        await disks.Api.CallAsync("VDI.set_" + field, vdi, value);
        (await disks.Api.ErrorAsync("VDI.snapshot", vdi))[0].Should().Be(code);
        (await disks.Api.ListAsync("VDI.get_allowed_operations", vdi)).Should().NotContain("snapshot");
    }

    [Fact]
    [SeesEffectOf("VDI.resize")]
    public async Task Resize_grows_and_never_shrinks()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        var content = await disks.ExportAsync(vdi);
        await disks.Api.CallAsync("VDI.resize", vdi, 4 * MiB);
        await disks.Api.CallAsync("VDI.resize", vdi, (6 * MiB) + 1);
        (await disks.RecordAsync(vdi))["virtual_size"]!.GetValue<long>().Should().Be(8 * MiB);
        (await disks.Api.ErrorAsync("VDI.resize", vdi, 2 * MiB))[0].Should().Be("SR_BACKEND_FAILURE_79");
        var grown = await disks.ExportAsync(vdi);
        grown.AsSpan(0, content.Length).SequenceEqual(content).Should().BeTrue();
        grown.AsSpan(content.Length).IndexOfAnyExcept((byte)0).Should().Be(-1);
    }

    [Fact]
    public async Task A_chain_has_a_limit()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(2 * MiB);
        IReadOnlyList<string>? error = null;
        var made = 0;
        while (error is null && made < 40)
        {
            await disks.ImportAsync(vdi, [(byte)made, .. new byte[511]]);
            error = (await disks.Api.AnswerAsync("VDI.snapshot", vdi)).Error;
            made++;
        }

        error.Should().NotBeNull();
        error![0].Should().Be("SR_BACKEND_FAILURE_109");
        made.Should().BeInRange(28, 31);
        (await disks.ExportAsync(vdi))[0].Should().Be((byte)(made - 1));
        (await disks.Api.CallAsync("VDI.get_current_operations", vdi)).AsObject().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VDI.set_name_label", "VDI.set_name_description")]
    public async Task Names_are_stored_with_the_data()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(MiB);
        await disks.Api.CallAsync("VDI.set_name_label", vdi, "renamed");
        await disks.Api.CallAsync("VDI.set_name_description", vdi, "described");
        var uuid = await disks.UuidAsync(vdi);
        server.Host.Records.Commit(unit => unit.Delete(vdi));
        await disks.Api.CallAsync("SR.scan", await disks.DefaultSrAsync());
        var found = await disks.RecordAsync(await disks.Api.TextAsync("VDI.get_by_uuid", uuid));
        Text(found, "name_label").Should().Be("renamed");
        Text(found, "name_description").Should().Be("described");
    }

    [Fact]
    public async Task A_scan_of_an_unchanged_SR_changes_nothing()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await DiskWithEverythingAsync(disks);
        await disks.Api.CallAsync("VDI.snapshot", vdi);
        var sr = await disks.DefaultSrAsync();
        var before = await disks.Api.CallAsync("VDI.get_all_records");
        await disks.Api.CallAsync("SR.scan", sr);
        var after = await disks.Api.CallAsync("VDI.get_all_records");
        JsonNode.DeepEquals(after, before).Should().BeTrue();
        (await disks.Api.CallAsync("SR.get_current_operations", sr)).AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task The_SR_sums_up_its_disks()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var disks = await DiskClient.LoginAsync(own);
            var sr = await disks.DefaultSrAsync();
            var one = await disks.CreateAsync(10 * MiB);
            await disks.CreateAsync(20 * MiB);
            (await disks.Api.CallAsync("SR.get_virtual_allocation", sr)).GetValue<long>().Should().Be(30 * MiB);
            await disks.Api.CallAsync("VDI.destroy", one);
            (await disks.Api.CallAsync("SR.get_virtual_allocation", sr)).GetValue<long>().Should().Be(20 * MiB);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    private static async Task<string> DiskWithEverythingAsync(DiskClient disks)
    {
        var vdi = await disks.CreateAsync(
            4 * MiB, "origin", ("name_description", "text"), ("type", "system"), ("tags", JsonArguments.Array(["a", "b"])),
            ("other_config", JsonArguments.Map(("k", "v"))), ("xenstore_data", JsonArguments.Map(("x", "y"))));
        await disks.Api.CallAsync("VDI.set_allow_caching", vdi, true);
        await disks.ImportAsync(vdi, Enumerable.Range(0, 4096).Select(i => (byte)(i * 7)).ToArray());
        return vdi;
    }

    private static void CopiedFieldsAgree(JsonObject copy, JsonObject source)
    {
        foreach (var field in (string[])["name_label", "name_description", "type", "sharable", "on_boot", "allow_caching", "xenstore_data", "tags", "other_config", "virtual_size", "SR"])
            JsonNode.DeepEquals(copy[field], source[field]).Should().BeTrue(field);
        Text(copy, "uuid").Should().NotBe(Text(source, "uuid"));
        Text(copy, "location").Should().Be(Text(copy, "uuid"));
        Flag(copy, "managed").Should().BeTrue();
        Flag(copy, "cbt_enabled").Should().BeFalse();
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
