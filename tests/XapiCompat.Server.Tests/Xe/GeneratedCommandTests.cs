using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using XapiCompat.XeCli.Tables;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>The commands that live from the record tables alone, on a live object of every class.</summary>
public sealed class GeneratedCommandTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string RefusedByApi = "cannot have|power state|VM_IS_SNAPSHOT|not supported";

    private static readonly XeTables Tables = XeTables.Load(Model.Load());
    private static readonly XeOutcome Nothing = new("", "", 0);

    private readonly XeDialogue _xe = new(server.Port);

    public static TheoryData<string> Classes => new(Tables.Classes.Select(c => c.Name));

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task Every_field_of_a_class_prints(string name)
    {
        var generated = Class(name);
        var uuid = LiveObjects.Of(server.Host, generated);
        var listed = await RunAsync(name + "-list", "params=all", "uuid=" + uuid);
        var shown = await RunAsync(name + "-param-list", "uuid=" + uuid);
        listed.Should().StartWith("uuid ( RO)").And.Contain(": " + uuid + "\n");
        foreach (var field in generated.Table.Fields.Skip(1))
        {
            var one = await ParamAsync(name, "get", uuid, field);
            if (field.Hidden)
                continue;
            listed.Should().Contain(field.Label + ": " + (field.Expensive ? "<expensive field>" : ""));
            // Times and loads move between two looks.
            if (!field.Expensive && field.Name is not ("progress" or "last-access" or "guest-metrics-last-updated"))
                shown.Should().Contain(field.Label + ": " + one);
        }

        (await RunAsync(name + "-list", "--minimal", "params=uuid")).TrimEnd('\n').Split(',').Should().Contain(uuid);
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task Default_columns_are_those_of_the_class(string name)
    {
        var generated = Class(name);
        var uuid = LiveObjects.Of(server.Host, generated);
        var columns = generated.DefaultColumns.Count == 0
            ? generated.Table.Fields.Where(f => !f.Hidden)
            : generated.Table.Fields.Where(f => generated.DefaultColumns.Contains(f.Name));
        (await RunAsync(name + "-list", "uuid=" + uuid)).TrimEnd('\n').Split('\n').Count(l => l.Contains(": ", StringComparison.Ordinal))
            .Should().BeGreaterThanOrEqualTo(columns.Count());
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task Maps_take_and_lose_keys(string name)
    {
        var generated = Class(name);
        var uuid = LiveObjects.Of(server.Host, generated);
        foreach (var field in generated.Table.Fields.Where(f => f.Can("add_to_map")))
        {
            var key = field.Enum is not null ? "clone" : field.Name == "VCPUs-params" ? "weight" : field.Name == "license-server" ? "address" : "walked";
            var first = await _xe.RunAsync(name + "-param-set", "uuid=" + uuid, field.Name + ":" + key + "=1");
            if (!Takes(name, field, first))
                continue;
            (await ParamAsync(name, "get", uuid, field, "param-key=" + key)).Should().Be("1\n", field.Name);
            (await RunAsync(name + "-list", "--minimal", "params=uuid", field.Name + ":" + key + "=1")).TrimEnd('\n').Split(',').Should().Contain(uuid, field.Name);
            await RunAsync(name + "-param-set", "uuid=" + uuid, field.Name + ":" + key + "=2");
            await ParamAsync(name, "remove", uuid, field, "param-key=" + key);
            await ParamAsync(name, "add", uuid, field, key + "=3");
            (await ParamAsync(name, "get", uuid, field)).Should().Contain(key + ": 3", field.Name);
            await ParamAsync(name, "clear", uuid, field);
            (await ParamAsync(name, "get", uuid, field)).Should().Be("\n", field.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task Sets_take_and_lose_members(string name)
    {
        var generated = Class(name);
        var uuid = LiveObjects.Of(server.Host, generated);
        foreach (var field in generated.Table.Fields.Where(f => f.Can("add_to_set")))
        {
            var member = Member(field);
            var first = await _xe.RunAsync(name + "-param-add", "uuid=" + uuid, "param-name=" + field.Name, "param-key=" + member);
            if (!Takes(name, field, first))
                continue;
            (await ParamAsync(name, "get", uuid, field)).Should().Be(member + "\n", field.Name);
            (await RunAsync(name + "-list", "--minimal", "params=uuid", field.Name + ":contains=" + member)).Should().Be(uuid + "\n", field.Name);
            await ParamAsync(name, "remove", uuid, field, "param-key=" + member);
            (await ParamAsync(name, "get", uuid, field)).Should().Be("\n", field.Name);
            await ParamAsync(name, "add", uuid, field, "param-key=" + member);
            await ParamAsync(name, "clear", uuid, field);
            (await ParamAsync(name, "get", uuid, field)).Should().Be("\n", field.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task Scalars_take_what_they_print(string name)
    {
        var generated = Class(name);
        var uuid = LiveObjects.Of(server.Host, generated);
        foreach (var field in generated.Table.Fields.Where(f => f.Kind == FieldKind.Scalar && f.Can("set")))
        {
            var text = (await ParamAsync(name, "get", uuid, field))[..^1];
            var value = text.StartsWith('<') ? "" : text;
            var outcome = await _xe.RunAsync([name + "-param-set", "uuid=" + uuid, field.Name + "=" + value]);
            if (outcome.ExitCode == 0)
                (await ParamAsync(name, "get", uuid, field)).Should().Be(text + "\n", field.Name);
            else
                outcome.Error.Should().NotContain("INTERNAL").And.NotContain("internal failure").And.NotContain("does not implement", field.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Classes))]
    public async Task An_object_that_is_not_there_is_an_error_of_the_API(string name)
    {
        var outcome = await _xe.RunAsync([name + "-param-list", "uuid=x"]);
        outcome.ExitCode.Should().Be(1);
        outcome.Error.Should().EndWith("uuid: x\n");
    }

    /// <summary>Whether a field takes any member. Those of some mean something to the API, which has then refused the first one.</summary>
    private static bool Takes(string name, RecordField field, XeOutcome first)
    {
        if ((name, field.Name) is not (("snapshot", "NVRAM") or ("vmss", "schedule") or ("pool", "guest-agent-config") or ("pgpu", "enabled-VGPU-types")))
        {
            first.Should().Be(Nothing, field.Name);
            return true;
        }

        first.Error.Should().MatchRegex(RefusedByApi, name + " " + field.Name);
        return false;
    }

    private string Member(RecordField field)
    {
        if (field.RefersTo is { } target)
            return LiveObjects.Of(server.Host, Tables.Classes.First(c => c.Table.Class.Name == target));
        return (field.Enum, field.Name) switch
        {
            ("network_purpose", _) => "nbd",
            (_, "trunks") => "7",
            (_, "ipv4-allowed") => "192.0.2.1",
            (_, "ipv6-allowed") => "2001:db8::1",
            (_, "components") => "xapi",
            (_, "endpoints") => "bugtool",
            _ => "walked",
        };
    }

    private static GeneratedClass Class(string name) => Tables.Classes.First(c => c.Name == name);

    private Task<string> ParamAsync(string name, string verb, string uuid, RecordField field, params IEnumerable<string> more) =>
        RunAsync([name + "-param-" + verb, "uuid=" + uuid, "param-name=" + field.Name, .. more]);

    private async Task<string> RunAsync(params IReadOnlyList<string> line)
    {
        var outcome = await _xe.RunAsync(line);
        outcome.Error.Should().BeEmpty(string.Join(' ', line));
        outcome.ExitCode.Should().Be(0, string.Join(' ', line));
        return outcome.Output;
    }
}
