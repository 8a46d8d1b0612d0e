using FluentAssertions;
using XapiCompat.Values;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class ListTests
{
    private readonly Xe _xe = new();

    [Fact]
    public async Task A_list_shows_the_usual_columns_in_the_order_of_the_table()
    {
        _xe.Api.Add("VM", ("name_label", "one"), ("power_state", "Running"));
        (await _xe.RunAsync("vm-list")).Should().Be(new XeResult(
            "uuid ( RO)           : " + FakeApi.UuidOf(1) + "\n     name-label ( RW): one\n    power-state ( RO): running\n\n\n", "", 0));
    }

    [Fact]
    public async Task Columns_are_chosen_and_keep_their_order()
    {
        _xe.Api.Add("network", ("name_label", "n"), ("MTU", 1500));
        (await _xe.RunAsync("network-list", "params=MTU,uuid,nothing,MTU")).Output.Should().Be("uuid ( RO)    : " + FakeApi.UuidOf(1) + "\n     MTU ( RW): 1500\n\n\n");
    }

    [Fact]
    public async Task Minimal_gives_the_first_column_of_each()
    {
        _xe.Api.Add("network", ("name_label", "a,b"));
        _xe.Api.Add("network", ("name_label", "c"));
        (await _xe.RunAsync("network-list", "params=name-label", "--minimal")).Output.Should().Be("a\\,b,c\n");
    }

    [Fact]
    public async Task Hidden_fields_are_not_listed_even_when_asked_for()
    {
        _xe.Api.Add("VM");
        (await _xe.RunAsync("vm-list", "params=uuid,NVRAM")).Output.Should().NotContain("NVRAM");
        (await _xe.RunAsync("vm-list", "params=all")).Output.Should().NotContain("NVRAM").And.Contain("name-label");
    }

    [Fact]
    public async Task Expensive_fields_have_a_placeholder_in_lists()
    {
        var vm = _xe.Api.Add("VM");
        (await _xe.RunAsync("vm-list", "params=memory-target", "--minimal")).Output.Should().Be("<expensive field>\n");
        (await _xe.RunAsync("vm-param-get", "uuid=" + _xe.Api.UuidOf(vm), "param-name=memory-target")).Output.Should().Be("<unknown>\n");
    }

    [Theory]
    [InlineData("name-label=one", "one")]
    [InlineData("name-label=ONE", "")]
    [InlineData("power-state=halted", "one,two")]
    [InlineData("power-state=Halted", "")]
    [InlineData("other-config:k=v", "two")]
    [InlineData("other-config:k=w", "")]
    [InlineData("other-config-k=v", "two")]
    [InlineData("tags:contains=t1", "one")]
    [InlineData("tags:contains=t3", "")]
    [InlineData("tags=t1, t2", "one")]
    [InlineData("name-label=one power-state=halted", "one")]
    [InlineData("name-label=one power-state=running", "")]
    public async Task Conditions_compare_the_printed_text(string conditions, string names)
    {
        _xe.Api.Add("VM", ("name_label", "one"), ("power_state", "Halted"), ("tags", XenArray.Of(["t1", "t2"])));
        _xe.Api.Add("VM", ("name_label", "two"), ("power_state", "Halted"), ("other_config", XenStruct.Of(("k", "v"))));
        var split = conditions.Contains(", ", StringComparison.Ordinal) ? [conditions] : conditions.Split(' ');
        (await _xe.RunAsync(["vm-list", "params=name-label", "--minimal", .. split])).Output.Should().Be(names + "\n");
    }

    [Fact]
    public async Task Some_fields_ignore_case()
    {
        _xe.Api.Add("VIF", ("MAC", "aa:bb:cc:dd:ee:ff"));
        (await _xe.RunAsync("vif-list", "MAC=AA:BB:CC:DD:EE:FF", "--minimal")).Output.Should().Be(FakeApi.UuidOf(1) + "\n");
    }

    [Fact]
    public async Task Templates_and_snapshots_are_no_vms()
    {
        _xe.Api.Add("VM", ("name_label", "vm"));
        _xe.Api.Add("VM", ("name_label", "template"), ("is_a_template", true));
        _xe.Api.Add("VM", ("name_label", "snapshot"), ("is_a_template", true), ("is_a_snapshot", true));
        _xe.Api.Add("VM", ("name_label", "dom0"), ("is_control_domain", true));
        (await _xe.RunAsync("vm-list", "params=name-label", "--minimal")).Output.Should().Be("vm,dom0\n");
        (await _xe.RunAsync("template-list", "params=name-label", "--minimal")).Output.Should().Be("template\n");
        (await _xe.RunAsync("snapshot-list", "params=name-label", "--minimal")).Output.Should().Be("snapshot\n");
        (await _xe.RunAsync("vm-list", "params=name-label", "--minimal", "--all", "name-label=vm")).Output.Should().Be("vm,template,snapshot,dom0\n");
    }

    [Fact]
    public async Task An_unknown_field_is_an_error_when_there_is_a_record()
    {
        (await _xe.RunAsync("vm-list", "colour=red")).Should().Be(new XeResult("", "", 0));
        _xe.Api.Add("VM");
        (await _xe.RunAsync("vm-list", "colour=red")).Should().Be(new XeResult("", "Error: Unknown field 'colour'\n", 1));
        (await _xe.RunAsync("vm-list", "name-label:x=red")).Code.Should().Be(1);
        (await _xe.RunAsync("vm-list", "tags:x=red")).Code.Should().Be(1);
    }

    [Fact]
    public async Task References_print_as_uuids_and_names()
    {
        var sr = _xe.Api.Add("SR", ("name_label", "local"));
        _xe.Api.Add("VDI", ("SR", sr), ("snapshots", XenArray.Of([sr, "OpaqueRef:gone"])), ("type", "ha_statefile"));
        (await _xe.RunAsync("vdi-list", "params=sr-uuid,sr-name-label,snapshot-of,snapshots,type")).Output.Should().Be(
            "snapshot-of ( RO)      : <not in database>\n" +
            "        snapshots ( RO): <not in database>; <not in database>\n" +
            "          sr-uuid ( RO): " + FakeApi.UuidOf(1) + "\n" +
            "    sr-name-label ( RO): local\n" +
            "             type ( RO): HA statefile\n\n\n");
    }

    [Fact]
    public async Task What_is_taken_from_missing_objects_says_so()
    {
        _xe.Api.Add("VM");
        (await _xe.RunAsync("vm-list", "params=hvm,memory-actual,os-version,start-time,numa-nodes,numa-node-memory,can-use-hotplug-vbd")).Output.Should().Be(
            "memory-actual ( RO)          : <not in database>\n" +
            "                    hvm ( RO): false\n" +
            "             numa-nodes ( RO): 0\n" +
            "       numa-node-memory (MRO): []\n" +
            "             start-time ( RO): <unknown time>\n" +
            "             os-version (MRO): <not in database>\n" +
            "    can-use-hotplug-vbd ( RO): <not in database>\n\n\n");
    }

    [Fact]
    public async Task What_is_taken_from_other_objects_prints_like_their_own()
    {
        var metrics = _xe.Api.Add("VM_metrics", ("memory_actual", 1024), ("hvm", true));
        var guest = _xe.Api.Add("VM_guest_metrics", ("os_version", XenStruct.Of(("name", "Linux"), ("uname", "6"))), ("can_use_hotplug_vbd", "yes"));
        _xe.Api.Add("VM", ("metrics", metrics), ("guest_metrics", guest));
        (await _xe.RunAsync("vm-list", "params=hvm,memory-actual,os-version,can-use-hotplug-vbd")).Output.Should().Be(
            "memory-actual ( RO)          : 1024\n" +
            "                    hvm ( RO): true\n" +
            "             os-version (MRO): name: Linux; uname: 6\n" +
            "    can-use-hotplug-vbd ( RO): true\n\n\n");
    }

    [Theory]
    [InlineData(0, "<not in database>")]
    [InlineData(1, "host one")]
    [InlineData(2, "<shared>")]
    public async Task An_SR_shows_its_only_host(int connections, string printed)
    {
        var host = _xe.Api.Add("host", ("name_label", "host one"));
        var pbds = Enumerable.Range(0, connections).Select(_ => _xe.Api.Add("PBD", ("host", host))).ToList();
        _xe.Api.Add("SR", ("PBDs", XenArray.Of(pbds)));
        (await _xe.RunAsync("sr-list", "params=host", "--minimal")).Output.Should().Be(printed + "\n");
    }

    [Fact]
    public async Task Numbers_of_tasks_have_three_decimals_and_operations_their_printed_names()
    {
        _xe.Api.Add("task", ("progress", 0.0556), ("allowed_operations", XenArray.Of(["cancel", "destroy"])), ("created", new XenDateTime("20260101T00:00:00Z")));
        (await _xe.RunAsync("task-list", "params=progress,allowed_operations,created")).Output.Should().Be(
            "progress ( RO)              : 0.056\n" +
            "               created ( RO): 20260101T00:00:00Z\n" +
            "    allowed_operations ( RO): Cancel; Destroy\n\n\n");
    }

    [Fact]
    public async Task Current_operations_print_without_their_tasks()
    {
        _xe.Api.Add("SR", ("current_operations", XenStruct.Of(("OpaqueRef:1", "vdi_create"), ("OpaqueRef:2", "pbd_destroy"))), ("allowed_operations", XenArray.Of(["scan", "vdi_list_changed_blocks"])));
        (await _xe.RunAsync("sr-list", "params=current-operations,allowed-operations")).Output.Should().Be(
            "allowed-operations (SRO)    : scan; VDI.list_changed_blocks\n" +
            "    current-operations (SRO): VDI.create; PBD.destroy\n\n\n");
    }

    [Fact]
    public async Task A_list_of_many_objects_takes_few_calls()
    {
        var network = _xe.Api.Add("network", ("name_label", "net"));
        for (var i = 0; i < 1000; i++)
        {
            var vm = _xe.Api.Add("VM", ("metrics", _xe.Api.Add("VM_metrics")), ("name_label", "vm"));
            _xe.Api.Add("VIF", ("VM", vm), ("network", network));
        }

        (await _xe.RunAsync("vif-list", "params=all")).Output.Should().Contain("vm-name-label ( RO): vm\n");
        _xe.Calls.Should().HaveCountLessThan(20);
    }
}
