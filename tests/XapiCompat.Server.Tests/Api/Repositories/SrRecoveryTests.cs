using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>Figures of SRs, and SRs that help a pool to be recovered.</summary>
public sealed class SrRecoveryTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static (string Key, object? Value)[] Lun(string id) => [("target", "10.0.0.1"), ("targetIQN", "iqn.2026-01.example:dr"), ("SCSIid", id)];

    [Fact]
    [SeesEffectOf("SR.get_data_sources", "SR.query_data_source", "SR.record_data_source", "SR.forget_data_source_archives")]
    public async Task Figures_follow_the_repository()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeFileAsync();
        (await SourceAsync(rig, sr, "virtual_allocation"))["enabled"]!.GetValue<bool>().Should().BeFalse();
        await rig.Api.CallAsync("SR.record_data_source", sr, "virtual_allocation");
        (await SourceAsync(rig, sr, "virtual_allocation"))["enabled"]!.GetValue<bool>().Should().BeTrue();
        await rig.DiskAsync(sr);
        (await rig.Api.CallAsync("SR.query_data_source", sr, "virtual_allocation")).GetValue<double>().Should().Be(2 * Records.MiB);
        (await SourceAsync(rig, sr, "physical_utilisation"))["value"]!.GetValue<double>().Should().BePositive();
        await rig.Api.CallAsync("SR.forget_data_source_archives", sr, "virtual_allocation");
        (await SourceAsync(rig, sr, "virtual_allocation"))["enabled"]!.GetValue<bool>().Should().BeFalse();
        (await rig.Api.ErrorAsync("SR.query_data_source", sr, "nothing"))[0].Should().Be("INTERNAL_ERROR");
        await rig.UnplugAsync(sr);
        (await rig.Api.ErrorAsync("SR.get_data_sources", sr)).Should().Equal("SR_HAS_NO_PBDS", sr);
    }

    [Fact]
    [SeesEffectOf(
        "SR.assert_supports_database_replication", "SR.enable_database_replication", "SR.disable_database_replication", "SR.assert_can_host_ha_statefile")]
    public async Task A_disk_for_the_records_of_the_pool_comes_and_goes()
    {
        var rig = await SrRig.CreateAsync(server);
        var file = await rig.MakeFileAsync();
        foreach (var call in (string[])["SR.assert_supports_database_replication", "SR.enable_database_replication"])
            (await rig.Api.ErrorAsync(call, file)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", file);

        var sr = await rig.MakeAsync("lvmoiscsi", Lun("replicated"));
        await rig.Api.CallAsync("SR.assert_supports_database_replication", sr);
        await rig.Api.CallAsync("SR.enable_database_replication", sr);
        await rig.Api.CallAsync("SR.enable_database_replication", sr);
        var vdi = (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().ContainSingle().Subject;
        (await rig.Api.TextAsync("VDI.get_type", vdi)).Should().Be("metadata");
        (await rig.Api.TextAsync("VDI.get_metadata_of_pool", vdi)).Should().Be((await rig.Api.ListAsync("pool.get_all"))[0]);
        await rig.Api.CallAsync("SR.disable_database_replication", sr);
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().BeEmpty();

        await rig.Api.CallAsync("SR.set_physical_size", sr, 1L << 40);
        await rig.Api.CallAsync("SR.assert_can_host_ha_statefile", sr);
        await rig.Api.CallAsync("SR.set_physical_size", sr, 1L << 30);
        (await rig.Api.ErrorAsync("SR.assert_can_host_ha_statefile", sr)).Should().Equal("SR_SOURCE_SPACE_INSUFFICIENT", sr);
        await rig.UnplugAsync(sr);
        foreach (var call in (string[])["SR.assert_supports_database_replication", "SR.assert_can_host_ha_statefile"])
            (await rig.Api.ErrorAsync(call, sr)).Should().Equal("SR_HAS_NO_PBDS", sr);
        var dummy = await rig.MakeAsync("dummy");
        (await rig.Api.ErrorAsync("SR.assert_can_host_ha_statefile", dummy)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", dummy);
    }

    [Fact]
    [SeesEffectOf("DR_task.create", "DR_task.destroy")]
    public async Task A_recovery_introduces_what_it_finds_and_lets_go_again()
    {
        var rig = await SrRig.CreateAsync(server);
        var config = Lun("recovered");
        var sr = await rig.MakeAsync("lvmoiscsi", config);
        var uuid = await rig.Api.TextAsync("SR.get_uuid", sr);
        await rig.DiskAsync(sr, "lost");
        await rig.UnplugAsync(sr);
        await rig.Api.CallAsync("SR.forget", sr);

        var nothing = await rig.Api.TextAsync("DR_task.create", "lvmoiscsi", JsonArguments.Map(config), JsonArguments.Array([]));
        (await rig.Api.ListAsync("DR_task.get_introduced_SRs", nothing)).Should().BeEmpty();
        await rig.Api.CallAsync("DR_task.destroy", nothing);

        var task = await rig.Api.TextAsync("DR_task.create", "lvmoiscsi", JsonArguments.Map(config), JsonArguments.Array([uuid]));
        var found = (await rig.Api.ListAsync("DR_task.get_introduced_SRs", task)).Should().ContainSingle().Subject;
        (await rig.Api.TextAsync("SR.get_uuid", found)).Should().Be(uuid);
        (await rig.Api.TextAsync("VDI.get_name_label", (await rig.Api.ListAsync("SR.get_VDIs", found)).Single())).Should().Be("lost");
        (await rig.Api.TextAsync("SR.probe", rig.Host, JsonArguments.Map(config), "lvmoiscsi", JsonArguments.Map(("metadata", "true"))))
            .Should().Contain("<pool_metadata_detected>false</pool_metadata_detected>");
        await rig.Api.CallAsync("DR_task.destroy", task);
        (await rig.Api.ErrorAsync("SR.get_by_uuid", uuid)).Should().Equal("UUID_INVALID", "SR", uuid);
        (await rig.Api.ErrorAsync("DR_task.get_uuid", task)).Should().Equal("HANDLE_INVALID", "DR_task", task);

        (await rig.Api.ErrorAsync("DR_task.create", "nfs", JsonArguments.Map(), JsonArguments.Array([])))[0].Should().Be("OPERATION_NOT_ALLOWED");
        (await rig.Api.ErrorAsync("DR_task.create", "nothing", JsonArguments.Map(), JsonArguments.Array([]))).Should().Equal("SR_UNKNOWN_DRIVER", "nothing");
    }

    private static async Task<JsonObject> SourceAsync(SrRig rig, string sr, string name) =>
        (await rig.Api.CallAsync("SR.get_data_sources", sr)).AsArray().Select(s => s!.AsObject()).Single(s => s["name_label"]!.GetValue<string>() == name);
}
