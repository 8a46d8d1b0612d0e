using FluentAssertions;
using XapiCompat.Values;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class ParamTests
{
    private readonly Xe _xe = new();

    [Fact]
    public async Task One_field_is_a_line()
    {
        _xe.Api.Add("VM", ("name_label", "one"));
        (await GetAsync("name-label")).Should().Be(new XeResult("one\n", "", 0));
    }

    [Fact]
    public async Task One_value_of_a_map_is_picked_by_its_key()
    {
        _xe.Api.Add("VM", ("other_config", XenStruct.Of(("k", "v"))), ("name_label", "one"));
        (await GetAsync("other-config")).Output.Should().Be("k: v\n");
        (await GetAsync("other-config", "param-key=k")).Output.Should().Be("v\n");
        (await GetAsync("other-config", "param-key=x")).Should().Be(new XeResult("", "Error: Key x not found in map\n", 1));
        (await GetAsync("name-label", "param-key=x")).Output.Should().Be("one\n");
    }

    [Fact]
    public async Task A_hidden_field_is_shown_by_its_name()
    {
        _xe.Api.Add("VM", ("transportable_snapshot_id", "id"));
        (await GetAsync("transportable-snapshot-id")).Output.Should().Be("id\n");
    }

    [Fact]
    public async Task An_unknown_field_is_an_error_with_a_code()
    {
        _xe.Api.Add("VM");
        (await GetAsync("colour")).Should().Be(new XeResult("", "Error code: Missing parameter\nError parameters: colour\n", 1));
    }

    [Fact]
    public async Task An_unknown_uuid_is_an_error_of_the_API() =>
        (await _xe.RunAsync("vdi-param-list", "uuid=x")).Should().Be(new XeResult("", "No object of the class has that uuid.\ntype: VDI\nuuid: x\n", 1));

    [Theory]
    [InlineData("name-label=new", "VM.set_name_label(*, new)")]
    [InlineData("name-label=a=b", "VM.set_name_label(*, a=b)")]
    [InlineData("is-a-template=YES", "VM.set_is_a_template(*, true)")]
    [InlineData("VCPUs-max=4", "VM.set_VCPUs_max(*, 4)")]
    [InlineData("memory-static-max=1GiB", "VM.set_memory_static_max(*, 1073741824)")]
    [InlineData("HVM-shadow-multiplier=1.5", "VM.set_HVM_shadow_multiplier(*, 1.5)")]
    [InlineData("actions-after-crash=Rename restart", "VM.set_actions_after_crash(*, rename_restart)")]
    [InlineData("actions-after-crash=rename_restart", "VM.set_actions_after_crash(*, rename_restart)")]
    [InlineData("domain-type=pv-in-pvh", "VM.set_domain_type(*, pv_in_pvh)")]
    [InlineData("affinity=", "VM.set_affinity(*, OpaqueRef:NULL)")]
    [InlineData("other-config:new=1", "VM.add_to_other_config(*, new, 1)")]
    [InlineData("other-config-new=1", "VM.add_to_other_config(*, new, 1)")]
    [InlineData("other-config:old=1", "VM.remove_from_other_config(*, old)", "VM.add_to_other_config(*, old, 1)")]
    [InlineData("blocked-operations:data_sources_op=no", "VM.add_to_blocked_operations(*, data_source_op, no)")]
    [InlineData("bios-strings:a=1", "VM.set_bios_strings(*, {a: 1})")]
    [InlineData("groups=", "VM.set_groups(*, [])")]
    public async Task A_field_is_written_by_its_message(string assignment, params string[] calls)
    {
        var vm = _xe.Api.Add("VM", ("other_config", XenStruct.Of(("old", "0"))));
        (await _xe.RunAsync("vm-param-set", "uuid=" + FakeApi.UuidOf(1), assignment)).Should().Be(new XeResult("", "", 0));
        Writes().Should().Equal(calls.Select(c => c.Replace("*", vm, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task References_are_written_by_uuid()
    {
        _xe.Api.Add("VM");
        var host = _xe.Api.Add("host");
        (await _xe.RunAsync("vm-param-set", "uuid=" + FakeApi.UuidOf(1), "affinity=" + FakeApi.UuidOf(2))).Code.Should().Be(0);
        Writes().Should().ContainSingle().Which.Should().EndWith(", " + host + ")");
    }

    [Theory]
    [InlineData("power-state=halted")]
    [InlineData("other-config=x")]
    [InlineData("tags=x")]
    [InlineData("tags:x=")]
    [InlineData("os-version:x=y")]
    [InlineData("VCPUs-params:colour=1")]
    [InlineData("colour=red")]
    [InlineData("VCPUs-max=many")]
    [InlineData("actions-after-crash=sing")]
    public async Task What_cannot_be_written_is_refused(string assignment)
    {
        _xe.Api.Add("VM");
        var result = await _xe.RunAsync("vm-param-set", "uuid=" + FakeApi.UuidOf(1), assignment);
        result.Code.Should().Be(1);
        result.Error.Should().StartWith("Error: ");
        Writes().Should().BeEmpty();
    }

    [Fact]
    public async Task Assignments_before_a_refused_one_stay()
    {
        _xe.Api.Add("VM");
        (await _xe.RunAsync("vm-param-set", "uuid=" + FakeApi.UuidOf(1), "name-label=x", "power-state=halted")).Code.Should().Be(1);
        Writes().Should().ContainSingle();
    }

    [Theory]
    [InlineData("param-add param-name=tags param-key=new", "VM.add_tags(*, new)")]
    [InlineData("param-add param-name=other-config a=1 b=2", "VM.add_to_other_config(*, a, 1)", "VM.add_to_other_config(*, b, 2)")]
    [InlineData("param-remove param-name=tags param-key=t", "VM.remove_tags(*, t)")]
    [InlineData("param-remove param-name=other-config param-key=old", "VM.remove_from_other_config(*, old)")]
    [InlineData("param-clear param-name=tags", "VM.remove_tags(*, t)", "VM.remove_tags(*, u)")]
    [InlineData("param-clear param-name=other-config", "VM.remove_from_other_config(*, old)")]
    [InlineData("param-clear param-name=xenstore-data", "VM.set_xenstore_data(*, {})")]
    [InlineData("param-clear param-name=name-label", "VM.set_name_label(*, )")]
    public async Task Sets_and_maps_are_changed_piece_by_piece(string command, params string[] calls)
    {
        var vm = _xe.Api.Add("VM", ("other_config", XenStruct.Of(("old", "0"))), ("tags", XenArray.Of(["t", "u"])), ("xenstore_data", XenStruct.Of(("x", "y"))));
        var words = command.Split(' ');
        (await _xe.RunAsync(["vm-" + words[0], "uuid=" + FakeApi.UuidOf(1), .. words[1..]])).Should().Be(new XeResult("", "", 0));
        Writes().Should().Equal(calls.Select(c => c.Replace("*", vm, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("param-remove param-name=tags param-key=x", "Error: Key x is not in the set\n")]
    [InlineData("param-remove param-name=other-config param-key=x", "Error: Key x is not in map\n")]
    [InlineData("param-add param-name=tags", "Error: *")]
    [InlineData("param-add param-name=name-label param-key=x", "Error: *")]
    [InlineData("param-add param-name=os-version a=b", "Error: *")]
    [InlineData("param-clear param-name=VCPUs-max", "Error: *")]
    [InlineData("param-clear param-name=power-state", "Error: *")]
    public async Task Changes_that_make_no_sense_are_refused(string command, string error)
    {
        _xe.Api.Add("VM");
        var words = command.Split(' ');
        var result = await _xe.RunAsync(["vm-" + words[0], "uuid=" + FakeApi.UuidOf(1), .. words[1..]]);
        result.Code.Should().Be(1);
        result.Error.Should().Match(error);
        Writes().Should().BeEmpty();
    }

    [Fact]
    public async Task Sets_without_messages_for_members_are_rewritten()
    {
        var observer = _xe.Api.Add("Observer");
        _xe.Api.Answers["Observer.get_endpoints"] = _ => RpcResult.Success(XenArray.Of(["a"]));
        (await _xe.RunAsync("observer-param-add", "uuid=" + FakeApi.UuidOf(1), "param-name=endpoints", "param-key=b")).Code.Should().Be(0);
        Writes().Should().Equal("Observer.set_endpoints(" + observer + ", [a; b])");
    }

    private Task<XeResult> GetAsync(string field, params string[] more) => _xe.RunAsync(["vm-param-get", "uuid=" + FakeApi.UuidOf(1), "param-name=" + field, .. more]);

    private IEnumerable<string> Writes() => _xe.Calls.Where(c => !c.Contains(".get_", StringComparison.Ordinal));
}
