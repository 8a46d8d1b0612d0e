using FluentAssertions;
using XapiCompat.Values;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class SelectorTests
{
    private readonly Xe _xe = new();
    private readonly string _one;
    private readonly string _two;

    public SelectorTests()
    {
        _one = _xe.Api.Add("VM", ("name_label", "one"));
        _two = _xe.Api.Add("VM", ("name_label", "two"), ("other_config", XenStruct.Of(("k", "v"))));
        _xe.Api.Add("VM", ("name_label", "template"), ("is_a_template", true));
        _xe.Api.Add("VM", ("name_label", "dom0"), ("is_control_domain", true));
    }

    [Theory]
    [InlineData("vm=one")]
    [InlineData("vm=00000000-0000-0000-0000-000000000001")]
    [InlineData("uuid=00000000-0000-0000-0000-000000000001")]
    [InlineData("name-label=one")]
    public async Task One_VM_is_selected_by_a_field_or_its_nickname(string selector)
    {
        (await _xe.RunAsync("vm-pause", selector)).Should().Be(new XeResult("", "", 0));
        Paused().Should().Equal(_one);
    }

    [Fact]
    public async Task Maps_select_too()
    {
        (await _xe.RunAsync("vm-pause", "other-config:k=v")).Code.Should().Be(0);
        Paused().Should().Equal(_two);
    }

    [Theory]
    [InlineData("vm=three")]
    [InlineData("vm=template")]
    [InlineData("vm=dom0")]
    [InlineData("name-label=template")]
    public async Task No_hit_is_an_error(string selector)
    {
        (await _xe.RunAsync("vm-pause", selector)).Should().Be(new XeResult("", "Error: No matching VMs found\n", 1));
        Paused().Should().BeEmpty();
    }

    [Fact]
    public async Task Several_hits_need_a_flag()
    {
        var refused = await _xe.RunAsync("vm-pause");
        refused.Code.Should().Be(1);
        refused.Error.Should().StartWith("Error: ").And.Contain("--multiple");
        Paused().Should().BeEmpty();
        (await _xe.RunAsync("vm-pause", "--multiple")).Code.Should().Be(0);
        Paused().Should().Equal(_one, _two);
    }

    [Fact]
    public async Task Failures_of_several_are_collected_on_standard_output()
    {
        _xe.Api.Answers["VM.pause"] = a => a[0].ToString() == _one ? RpcResult.Fail(new("VM_IS_TEMPLATE", _one)) : RpcResult.Success(XenValue.Void);
        _xe.Api.Answers["Async.VM.pause"] = _xe.Api.Answers["VM.pause"];
        var result = await _xe.RunAsync("vm-pause", "--multiple");
        result.Code.Should().Be(1);
        result.Error.Should().BeEmpty();
        result.Output.Should().StartWith("operation failed on " + FakeApi.UuidOf(1) + ": ").And.Contain("vm: " + FakeApi.UuidOf(1) + " (one)");
    }

    [Fact]
    public async Task A_field_that_VMs_do_not_have_is_an_error() =>
        (await _xe.RunAsync("vm-pause", "colour=red")).Should().Be(new XeResult("", "Error: Unknown field 'colour'\n", 1));

    [Fact]
    public async Task Messages_about_the_VM_are_shown_behind_the_operation()
    {
        // Each pause leaves two messages; those of an earlier one are not told again.
        _xe.Api.Answers["message.get"] = _ => RpcResult.Success(XenStruct.Of([.. Paused().SelectMany((_, n) => new[] { Left(n, "VM_PAUSED", 3), Left(n, "QUIET", 5) })]));
        (await _xe.RunAsync("vm-pause", "vm=one")).Error.Should().Be("Message: time=20260101T00:00:00Z priority=3 name='VM_PAUSED'\n");
        (await _xe.RunAsync("vm-pause", "vm=one")).Error.Should().Be("Message: time=20260101T00:00:00Z priority=3 name='VM_PAUSED'\n");
        (await _xe.RunAsync("vm-pause", "vm=one", "message-priority=3")).Error.Should().BeEmpty();

        static (string Name, XenValue Value) Left(int pause, string name, int priority) => (
            "OpaqueRef:" + name + pause, XenStruct.Of(("name", name), ("priority", priority), ("timestamp", new XenDateTime("20260101T00:00:00Z"))));
    }

    private IEnumerable<string> Paused() =>
        _xe.Calls.Where(c => c.Contains("VM.pause(", StringComparison.Ordinal)).Select(c => c[(c.IndexOf('(', StringComparison.Ordinal) + 1)..^1]);
}
