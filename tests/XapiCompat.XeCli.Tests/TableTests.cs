using FluentAssertions;
using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class TableTests
{
    public static TheoryData<string> Tables => new(Xe.Tables.Records.Select(r => r.Name));

    [Fact]
    public void There_are_54_tables_with_775_fields()
    {
        Xe.Tables.Records.Should().HaveCount(54);
        Xe.Tables.Records.Sum(r => r.Fields.Count).Should().Be(775);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_field_has_a_source(string name)
    {
        var table = Xe.Tables.Record(name);
        foreach (var field in table.Fields)
        {
            if (ComputedFields.Find(table, field) is not null)
                continue;
            if (field.Link is null)
                table.Class.Find(field.Api!).Should().NotBeNull(name + "." + field.Name);
            else
                field.LinkedField.Should().NotBeNull(name + "." + field.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void References_print_as_what_they_lead_to(string name)
    {
        foreach (var field in Xe.Tables.Record(name).Fields.Where(f => f.RefersTo is not null))
            Xe.Tables.Model.FindMessage(field.RefersTo + ".get_all_records").Should().NotBeNull(name + "." + field.Name + " refers to " + field.RefersTo);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_write_has_a_message(string name)
    {
        foreach (var field in Xe.Tables.Record(name).Fields)
        {
            foreach (var operation in field.Operations.Keys)
                field.Writer(operation).Should().NotBeNull(name + "." + field.Name + " " + operation);
        }
    }

    [Fact]
    public void Every_computed_field_is_a_field_of_its_table()
    {
        foreach (var field in new[] { MachineFields.All, HostFields.All, PoolFields.All, StorageFields.All, DeviceFields.All, DriverFields.All }.SelectMany(g => g))
            Xe.Tables.Record(field.Table).Find(field.Field).Should().NotBeNull(field.Table + "." + field.Field);
    }

    [Fact]
    public void Default_columns_without_a_field_are_the_known_ones() =>
        Xe.Tables.Classes.SelectMany(c => c.DefaultColumns.Where(d => c.Table.Find(d) is null).Select(d => c.Name + "." + d)).Should().BeEquivalentTo(
            "cluster-host.pif", "host-crashdump.host", "network-sriov.physical-pif", "network-sriov.logical-pif", "network-sriov.configuration-mode",
            "pvs-proxy.cache-sr-uuid", "repository.up-to-date", "role.subroles", "snapshot.snapshot_of", "snapshot.snapshot_time", "vtpm.profile");

    [Theory]
    [InlineData("vm", "power-state", "power-state ( RO)")]
    [InlineData("vm", "name-label", "name-label ( RW)")]
    [InlineData("vm", "allowed-operations", "allowed-operations (SRO)")]
    [InlineData("vm", "tags", "tags (SRW)")]
    [InlineData("vm", "other-config", "other-config (MRW)")]
    [InlineData("vdi", "xenstore-data", "xenstore-data (MRO)")]
    [InlineData("vdi", "parent", "parent ( RO) [DEPRECATED]")]
    public void A_field_prints_with_its_tag(string table, string field, string label) => Xe.Tables.Record(table).Find(field)!.Label.Should().Be(label);

    [Fact]
    public void There_are_387_fixed_commands_and_288_generated_ones()
    {
        Xe.Tables.Commands.Count(c => c.Generated is null).Should().Be(387);
        Xe.Tables.Commands.Count(c => c.Generated is not null).Should().Be(288);
    }

    [Theory]
    [InlineData("vm-list", true)]
    [InlineData("network-list", true)]
    [InlineData("sr-list", true)]
    [InlineData("vdi-list", false)]
    public void Only_some_lists_are_common(string command, bool standard) => Xe.Tables.FindCommand(command)!.Standard.Should().Be(standard);

    [Fact]
    public void Names_of_map_parameters_end_in_a_colon() =>
        Xe.Tables.FindCommand("vm-param-set")!.Optional.Should().Contain(["name-label", "other-config:", "bios-strings:"]).And.NotContain("other-config");

    [Fact]
    public void Sets_are_filtered_by_what_they_contain() => Xe.Tables.FindCommand("vm-list")!.Optional.Should().Contain("tags:contains");
}
