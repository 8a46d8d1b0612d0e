using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Repositories;

/// <summary>SRs of all types are made, and what a type wants to know is asked for.</summary>
public sealed class SrCreateTests(RunningServer server) : IClassFixture<RunningServer>
{
    public static TheoryData<string, string> Types => new()
    {
        { "ext", "device=/dev/sdb" },
        { "EXT", "device=/dev/sdb" },
        { "lvm", "device=/dev/sdc" },
        { "file", "location=$" },
        { "nfs", "server=filer.example,serverpath=/export/vms" },
        { "smb", "server=//filer/share,username=me,password=secret" },
        { "lvmoiscsi", "target=10.0.0.1,targetIQN=iqn.2026-01.example:disks,SCSIid=36001405" },
    };

    [Theory]
    [SeesEffectOf("SR.create", "SR.get_supported_types")]
    [MemberData(nameof(Types))]
    public async Task Each_type_holds_disks(string type, string config)
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeAsync(type, Config(rig, config));
        var record = await rig.Api.RecordAsync("SR", sr);
        record["type"]!.GetValue<string>().Should().Be(type.ToLowerInvariant());
        record["name_label"]!.GetValue<string>().Should().Be("a repository");
        record["name_description"]!.GetValue<string>().Should().Be("made by a test");
        record["content_type"]!.GetValue<string>().Should().Be("user");
        record["sm_config"]!["key"]!.GetValue<string>().Should().Be("value");
        SrRig.Number(record["physical_size"]).Should().BePositive();
        SrRig.Number(record["virtual_allocation"]).Should().Be(0);
        (await rig.Api.ListAsync("SR.get_supported_types")).Should().Contain(type.ToLowerInvariant());

        var pbd = await rig.Api.RecordAsync("PBD", await rig.PbdAsync(sr));
        pbd["currently_attached"]!.GetValue<bool>().Should().BeTrue();
        pbd["host"]!.GetValue<string>().Should().Be(rig.Host);

        var vdi = await rig.DiskAsync(sr);
        await rig.Disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)7, 512)]);
        (await rig.Disks.ExportAsync(await rig.Api.TextAsync("VDI.snapshot", vdi)))[511].Should().Be(7);
        (await rig.Api.ListAsync("SR.get_allowed_operations", sr)).Should().Contain(["vdi_create", "vdi_snapshot"]).And.NotContain("destroy");
    }

    [Fact]
    public async Task A_password_becomes_a_secret_that_goes_with_the_PBD()
    {
        var rig = await SrRig.CreateAsync(server);
        var sr = await rig.MakeAsync("smb", ("server", "//filer/secrets"), ("password", "hidden"));
        var pbd = await rig.PbdAsync(sr);
        var config = (await rig.Api.CallAsync("PBD.get_device_config", pbd)).AsObject();
        config.ContainsKey("password").Should().BeFalse();
        var secret = await rig.Api.TextAsync("secret.get_by_uuid", config["password_secret"]!.GetValue<string>());
        (await rig.Api.TextAsync("secret.get_value", secret)).Should().Be("hidden");
        await rig.UnplugAsync(sr);
        await rig.Api.CallAsync("SR.forget", sr);
        (await rig.Api.ErrorAsync("secret.get_value", secret))[0].Should().Be("HANDLE_INVALID");
    }

    [Fact]
    public async Task Several_repositories_live_side_by_side()
    {
        var rig = await SrRig.CreateAsync(server);
        var marks = new Dictionary<string, byte>();
        foreach (var type in (string[])["file", "nfs", "ext", "file"])
        {
            var sr = type switch
            {
                "file" => await rig.MakeFileAsync(),
                "nfs" => await rig.MakeAsync("nfs", ("server", "filer"), ("serverpath", "/export/shared")),
                _ => await rig.MakeAsync("ext", ("device", "/dev/sdd")),
            };
            var vdi = await rig.DiskAsync(sr);
            marks[vdi] = (byte)(marks.Count + 1);
            await rig.Disks.ImportAsync(vdi, [.. Enumerable.Repeat(marks[vdi], 512)]);
        }

        foreach (var (vdi, mark) in marks)
            (await rig.Disks.ExportAsync(vdi))[0].Should().Be(mark);
    }

    [Theory]
    [InlineData("ext", "", "SR_BACKEND_FAILURE_90")]
    [InlineData("lvm", "", "SR_BACKEND_FAILURE_90")]
    [InlineData("file", "", "SR_BACKEND_FAILURE_94")]
    [InlineData("file", "location=", "SR_BACKEND_FAILURE_94")]
    [InlineData("nfs", "", "SR_BACKEND_FAILURE_102")]
    [InlineData("nfs", "server=filer", "SR_BACKEND_FAILURE_101")]
    [InlineData("nfs", "server=filer,serverpath=/a/../../b", "SR_BACKEND_FAILURE_103")]
    [InlineData("nfs", "server=../up,serverpath=/a", "SR_BACKEND_FAILURE_73")]
    [InlineData("smb", "", "SR_BACKEND_FAILURE_102")]
    [InlineData("smb", "server=//host", "SR_BACKEND_FAILURE_103")]
    [InlineData("smb", "server=//host/..", "SR_BACKEND_FAILURE_103")]
    [InlineData("lvmoiscsi", "", "SR_BACKEND_FAILURE_95")]
    [InlineData("lvmoiscsi", "target=a", "SR_BACKEND_FAILURE_96")]
    [InlineData("lvmoiscsi", "target=a,targetIQN=b", "SR_BACKEND_FAILURE_107")]
    [InlineData("lvmoiscsi", "target=a,targetIQN=../b,SCSIid=c", "SR_BACKEND_FAILURE_96")]
    public async Task What_a_driver_needs_is_named(string type, string config, string code)
    {
        var rig = await SrRig.CreateAsync(server);
        var before = await rig.Api.ListAsync("SR.get_all");
        var error = await rig.RefusalAsync(type, Config(rig, config));
        error[0].Should().Be(code);
        error.Should().HaveCount(4);
        error[1].Should().BeEmpty();
        (await rig.Api.ListAsync("SR.get_all")).Should().BeEquivalentTo(before, "a failed create leaves nothing");
        server.Host.Records.Intents.Should().BeEmpty();
    }

    [Fact]
    public async Task Directories_are_below_the_roots_only()
    {
        var rig = await SrRig.CreateAsync(server);
        var outside = Directory.CreateDirectory(Path.Combine(server.StatePath, "outside")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(rig.Root, "link"), outside);
        foreach (var place in (string[])[outside, "/etc", rig.Root, rig.Root + "/../outside", rig.Root + "/link", rig.Root + "/link/new", "relative", server.StatePath])
        {
            (await rig.RefusalAsync("file", ("location", place)))[0].Should().Be("SR_BACKEND_FAILURE_61", place);
            var sr = await rig.IntroduceAsync("", "file");
            var pbd = await rig.ConnectAsync(sr, JsonArguments.Map(("location", place)));
            (await rig.Api.ErrorAsync("PBD.plug", pbd))[0].Should().Be("SR_BACKEND_FAILURE_47", place);
            await rig.Api.CallAsync("SR.forget", sr);
        }

        Directory.EnumerateFileSystemEntries(outside).Should().BeEmpty();
    }

    [Fact]
    public async Task A_directory_belongs_to_one_repository()
    {
        var rig = await SrRig.CreateAsync(server);
        var place = rig.NewPlace();
        var sr = await rig.MakeFileAsync(place);
        (await rig.RefusalAsync("file", ("location", place)))[0].Should().Be("SR_BACKEND_FAILURE_61");
        await rig.DiskAsync(sr);
        (await rig.RefusalAsync("file", ("location", place)))[0].Should().Be("SR_BACKEND_FAILURE_61");
        var other = await rig.IntroduceAsync("", "file");
        var pbd = await rig.ConnectAsync(other, JsonArguments.Map(("location", place)));
        (await rig.Api.ErrorAsync("PBD.plug", pbd)).Should().Equal("SR_DEVICE_IN_USE");
        (await rig.Api.ListAsync("SR.get_VDIs", sr)).Should().HaveCount(1);
    }

    [Fact]
    public async Task A_create_refuses_what_it_cannot_do()
    {
        var rig = await SrRig.CreateAsync(server);
        (await rig.RefusalAsync("Nothing")).Should().Equal("SR_UNKNOWN_DRIVER", "nothing");
        (await rig.Api.ErrorAsync("SR.create", SrRig.Arguments(SampleValues.Nowhere, "ext", JsonArguments.Map(("device", "x")))))
            .Should().Equal("HANDLE_INVALID", "host", SampleValues.Nowhere);
        (await rig.RefusalAsync("file", ("location", rig.NewPlace()), ("SRmaster", "true"))).Take(3).Should().Equal("VALUE_NOT_SUPPORTED", "SRmaster", "true");
        (await rig.Api.FinishedTaskAsync("Async.SR.create", SrRig.Arguments(rig.Host, "nothing", JsonArguments.Map())))["error_info"]!.AsArray()[0]!.GetValue<string>()
            .Should().Be("SR_UNKNOWN_DRIVER");
    }

    [Fact]
    [SeesEffectOf("SR.probe")]
    public async Task A_probe_finds_what_is_there()
    {
        var rig = await SrRig.CreateAsync(server);
        (string, object?)[] config = [("server", "prober"), ("serverpath", "/disks")];
        (await rig.Api.TextAsync("SR.probe", rig.Host, JsonArguments.Map(config), "nfs", JsonArguments.Map())).Should().Be("<?xml version=\"1.0\" ?><SRlist></SRlist>");
        var sr = await rig.MakeAsync("nfs", config);
        var uuid = await rig.Api.TextAsync("SR.get_uuid", sr);
        (await rig.Api.TextAsync("SR.probe", rig.Host, JsonArguments.Map(config), "NFS", JsonArguments.Map())).Should().Contain("<UUID>" + uuid + "</UUID>");

        var exports = await rig.Api.ErrorAsync("SR.probe", rig.Host, JsonArguments.Map(("server", "prober")), "nfs", JsonArguments.Map());
        exports[0].Should().Be("SR_BACKEND_FAILURE_101");
        exports[3].Should().Contain("<Export><Target>prober</Target><Path>/disks</Path>");
        (await rig.Api.ErrorAsync("SR.probe", rig.Host, JsonArguments.Map(), "what", JsonArguments.Map())).Should().Equal("SR_UNKNOWN_DRIVER", "what");
        (await rig.Api.ErrorAsync("SR.probe", rig.Host, JsonArguments.Map(), "udev", JsonArguments.Map()))[0].Should().Be("UNIMPLEMENTED_IN_SM_BACKEND");
        (await rig.Api.ErrorAsync("SR.probe", rig.Host, JsonArguments.Map(("location", "/etc")), "file", JsonArguments.Map()))[0].Should().Be("SR_BACKEND_FAILURE_47");
        (await rig.Api.ErrorAsync("SR.probe_ext", rig.Host, JsonArguments.Map(config), "nfs", JsonArguments.Map())).Should().Equal("SR_OPERATION_NOT_SUPPORTED");
        (await rig.Api.ErrorAsync("SR.make", rig.Host, JsonArguments.Map(), 0, "", "", "ext", "", JsonArguments.Map())).Should().Equal("MESSAGE_DEPRECATED");
    }

    private static (string, object?)[] Config(SrRig rig, string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2)).Select(p => (p[0], (object?)(p[1] == "$" ? rig.NewPlace() : p[1])))];
}
