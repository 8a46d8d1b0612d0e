using FluentAssertions;
using XapiCompat.Values;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

/// <summary>Columns, widths and values that outputs of real hosts show, with objects of our own.</summary>
public sealed class ObservedOutputTests
{
    private readonly Xe _xe = new();

    [Theory]
    [InlineData("vm-list", 21, "uuid ( RO)", "name-label ( RW)", "power-state ( RO)")]
    [InlineData("sr-list", 26, "uuid ( RO)", "name-label ( RW)", "name-description ( RW)", "host ( RO)", "type ( RO)", "content-type ( RO)")]
    [InlineData("pbd-list", 28, "uuid ( RO)", "host-uuid ( RO)", "sr-uuid ( RO)", "device-config (MRO)", "currently-attached ( RO)")]
    [InlineData("pool-list", 26, "uuid ( RO)", "name-label ( RW)", "name-description ( RW)", "master ( RO)", "default-SR ( RW)")]
    [InlineData("pif-list params=uuid,device,currently-attached,VLAN,network-uuid", 28, "uuid ( RO)", "device ( RO)", "currently-attached ( RO)", "VLAN ( RO)", "network-uuid ( RO)")]
    [InlineData("vif-list", 22, "uuid ( RO)", "vm-uuid ( RO)", "device ( RO)", "network-uuid ( RO)")]
    [InlineData("network-list", 26, "uuid ( RO)", "name-label ( RW)", "name-description ( RW)", "bridge ( RO)")]
    [InlineData("network-list params=uuid,name-label,MTU", 20, "uuid ( RO)", "name-label ( RW)", "MTU ( RW)")]
    [InlineData("vdi-list params=uuid,name-label,name-description,sr-uuid,virtual-size,sharable,read-only", 26,
        "uuid ( RO)", "name-label ( RW)", "name-description ( RW)", "sr-uuid ( RO)", "virtual-size ( RO)", "sharable ( RO)", "read-only ( RO)")]
    [InlineData("task-list params=name-label,status,progress,created", 20, "name-label ( RO)", "status ( RO)", "progress ( RO)", "created ( RO)")]
    [InlineData("vm-list params=VBDs", 14, "VBDs (SRO)")]
    [InlineData("vbd-list params=vdi-uuid", 18, "vdi-uuid ( RO)")]
    [InlineData("vdi-list params=all", 30,
        "uuid ( RO)", "name-label ( RW)", "name-description ( RW)", "is-a-snapshot ( RO)", "snapshot-of ( RO)", "snapshots ( RO)", "snapshot-time ( RO)",
        "allowed-operations (SRO)", "current-operations (SRO)", "sr-uuid ( RO)", "sr-name-label ( RO)", "vbd-uuids (SRO)", "crashdump-uuids (SRO)",
        "virtual-size ( RO)", "physical-utilisation ( RO)", "location ( RO)", "type ( RO)", "sharable ( RO)", "read-only ( RO)", "storage-lock ( RO)",
        "managed ( RO)", "parent ( RO) [DEPRECATED]", "missing ( RO)", "is-tools-iso ( RO)", "other-config (MRW)", "xenstore-data (MRO)", "sm-config (MRO)",
        "on-boot ( RW)", "allow-caching ( RW)", "metadata-latest ( RO)", "metadata-of-pool ( RO)", "tags (SRW)", "cbt-enabled ( RO)")]
    [InlineData("vbd-list params=all", 34,
        "uuid ( RO)", "vm-uuid ( RO)", "vm-name-label ( RO)", "vdi-uuid ( RO)", "vdi-name-label ( RO)", "allowed-operations (SRO)", "current-operations (SRO)",
        "empty ( RO)", "device ( RO)", "userdevice ( RW)", "bootable ( RW)", "mode ( RW)", "type ( RW)", "unpluggable ( RW)", "currently-attached ( RO)",
        "attachable ( RO)", "storage-lock ( RO)", "status-code ( RO)", "status-detail ( RO)", "qos_algorithm_type ( RW)", "qos_algorithm_params (MRW)",
        "qos_supported_algorithms (SRO)", "other-config (MRW)", "io_read_kbs ( RO)", "io_write_kbs ( RO)")]
    public async Task Columns_and_widths_are_those_of_a_host(string line, int width, params string[] labels)
    {
        foreach (var @class in new[] { "VM", "SR", "PBD", "pool", "PIF", "VIF", "network", "VDI", "VBD", "task" })
            _xe.Api.Add(@class);
        var lines = (await _xe.RunAsync(line.Split(' '))).Output.Split('\n');
        lines.Take(labels.Length).Select(l => l[..width].Trim(' ')).Should().Equal(labels);
        lines.Take(labels.Length).Should().OnlyContain(l => l.Substring(width, 2) == ": ");
        lines.Skip(labels.Length).Should().Equal("", "", "");
    }

    [Fact]
    public async Task A_VM_with_deprecated_fields_is_44_wide()
    {
        _xe.Api.Add("VM", ("name_label", "vm-1"));
        var lines = (await _xe.RunAsync("vm-param-list", "uuid=" + FakeApi.UuidOf(1))).Output.Split('\n');
        lines[0].Should().Be("uuid ( RO)".PadRight(44) + ": " + FakeApi.UuidOf(1));
        lines.Should().Contain("    PV-drivers-up-to-date ( RO) [DEPRECATED]: <not in database>").And.Contain("PV-drivers-version (MRO)".PadLeft(44) + ": <not in database>");
    }

    [Fact]
    public async Task A_VBD_prints_its_mode_in_capitals_and_hides_what_is_expensive()
    {
        _xe.Api.Add("VBD", ("mode", "RW"), ("type", "Disk"), ("other_config", XenStruct.Of(("owner", "true"))));
        (await _xe.RunAsync("vbd-list", "params=mode,type,attachable,other-config")).Output.Should().Be(
            "mode ( RW)            : RW\n" +
            "            type ( RW): Disk\n" +
            "      attachable ( RO): <expensive field>\n" +
            "    other-config (MRW): owner: true\n\n\n");
    }

    [Fact]
    public async Task A_host_prints_operations_on_machines_with_a_point()
    {
        _xe.Api.Add("host", ("allowed_operations", XenArray.Of(["vm_migrate", "evacuate", "provision", "vm_resume", "vm_start"])));
        (await _xe.RunAsync("host-list", "params=allowed-operations", "--minimal")).Output.Should().Be("VM.migrate; evacuate; provision; VM.resume; VM.start\n");
    }
}
