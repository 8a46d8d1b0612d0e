using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Messages that look at or change the data of one disk.</summary>
public sealed class VdiDataTests(TwoSrServer rig) : IClassFixture<TwoSrServer>
{
    private const long MiB = Records.MiB;

    [Fact]
    [SeesEffectOf("VDI.checksum")]
    public async Task The_checksum_is_the_MD5_of_all_bytes()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(6 * MiB);
        await disks.ImportAsync(vdi, [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i % 251))]);
#pragma warning disable CA5351 // The message's own hash.
        var expected = Convert.ToHexStringLower(MD5.HashData(await disks.ExportAsync(vdi)));
#pragma warning restore CA5351
        (await disks.Api.TextAsync("VDI.checksum", vdi)).Should().Be(expected);
        var copy = await disks.Api.TextAsync("VDI.clone", vdi);
        (await disks.Api.TextAsync("VDI.checksum", copy)).Should().Be(expected);
    }

    [Fact]
    [SeesEffectOf("VDI.resize_online")]
    public async Task A_disk_in_use_grows_where_the_driver_can()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.Api.TextAsync("VDI.create", Records.Vdi(rig.OtherSr, 2 * MiB));
        (await disks.Api.ErrorAsync("VDI.resize_online", vdi, 4 * MiB)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", rig.OtherSr);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("user"));
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, vdi, "0"));
        rig.Server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", true));
        (await disks.Api.ErrorAsync("VDI.resize", vdi, 4 * MiB)).Should().Equal("VDI_IN_USE", vdi, "resize");
        rig.SetFeature("lvm", "VDI_RESIZE_ONLINE", true);
        await disks.Api.CallAsync("VDI.resize_online", vdi, 4 * MiB);
        Int(await disks.RecordAsync(vdi), "virtual_size").Should().Be(4 * MiB);
        rig.SetFeature("lvm", "VDI_RESIZE_ONLINE", false);
    }

    [Fact]
    [SeesEffectOf("VDI.revert")]
    public async Task A_disk_goes_back_in_place_where_the_driver_can()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.Api.TextAsync("VDI.create", Records.Vdi(rig.OtherSr, 2 * MiB));
        await disks.ImportAsync(vdi, [1]);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await disks.ImportAsync(vdi, [2]);
        (await disks.Api.ErrorAsync("VDI.revert", snapshot)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", rig.OtherSr);
        (await disks.Api.ErrorAsync("VDI.revert", vdi)).Should().Equal("REVERT_ONLY_ALLOWED_ON_SNAPSHOT");
        rig.SetFeature("lvm", "VDI_REVERT", true);
        try
        {
            await disks.Api.CallAsync("VDI.revert", snapshot);
            (await disks.ExportAsync(vdi))[0].Should().Be(1, "the disk kept its reference and has the old data");
            (await disks.Api.ListAsync("SR.get_allowed_operations", rig.OtherSr)).Should().Contain("vdi_revert");
            rig.Faults.Fail("revert", 1, () => Storage.StorageException.Unimplemented("Volume.revert"));
            (await disks.Api.ErrorAsync("VDI.revert", snapshot)).Should().Equal("UNIMPLEMENTED_IN_SM_BACKEND", rig.OtherSr);
        }
        finally
        {
            rig.SetFeature("lvm", "VDI_REVERT", false);
        }
    }

    [Fact]
    [SeesEffectOf("VDI.generate_config")]
    public async Task The_config_names_the_disk_for_a_host_without_database()
    {
        var disks = await DiskClient.LoginAsync(rig.Server);
        var vdi = await disks.CreateAsync(2 * MiB);
        var host = (await disks.Api.ListAsync("host.get_all"))[0];
        var xml = XDocument.Parse(await disks.Api.TextAsync("VDI.generate_config", host, vdi));
        var members = xml.Descendants("member").Where(m => m.Element("value")!.Element("string") is not null)
            .ToDictionary(m => m.Element("name")!.Value, m => m.Element("value")!.Value, StringComparer.Ordinal);
        members["vdi_uuid"].Should().Be(await disks.UuidAsync(vdi));
        members["sr_uuid"].Should().Be(await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync()));
        members["command"].Should().Be("vdi_attach_from_config");
        members.Should().ContainKey("device");
        (await disks.Api.ErrorAsync("VDI.generate_config", SampleValues.Nowhere, vdi)).Should().Equal("HANDLE_INVALID", "host", SampleValues.Nowhere);
    }

    private static long Int(JsonNode record, string field) => record[field]!.GetValue<long>();
}
