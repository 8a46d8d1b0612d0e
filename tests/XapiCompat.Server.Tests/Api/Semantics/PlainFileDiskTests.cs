using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Disks made with sm_config type=raw: exact sizes, full copies instead of shared data, documented refusals.</summary>
public sealed class PlainFileDiskTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const int Size = 3_000_001;

    [Fact]
    public async Task It_has_the_size_asked_for_and_moves_over_HTTP_in_every_format()
    {
        var (disks, disk) = await CreateAsync();
        (await disks.RecordAsync(disk))["virtual_size"]!.ToString().Should().Be(Size.ToString());
        var data = Noise(Size);
        await disks.ImportAsync(disk, data);

        (await disks.ExportAsync(disk)).AsSpan().SequenceEqual(data).Should().BeTrue();
        foreach (var format in (string[])["vhd", "qcow2"])
        {
            var copy = await disks.CreateAsync(Size);
            await disks.ImportAsync(copy, await disks.ExportAsync(disk, format), format);
            (await disks.ExportAsync(copy)).AsSpan(0, Size).SequenceEqual(data).Should().BeTrue(format);
        }
    }

    [Fact]
    public async Task A_clone_is_a_full_copy_without_tags_and_a_snapshot_is_not_to_be_had()
    {
        var (disks, disk) = await CreateAsync();
        await disks.ImportAsync(disk, Noise(Size));
        await disks.Api.CallAsync("VDI.add_tags", disk, "tag");
        var sr = await disks.DefaultSrAsync();

        var clone = await disks.Api.TextAsync("VDI.clone", disk);

        (await disks.ExportAsync(clone)).AsSpan(0, Size).SequenceEqual(Noise(Size)).Should().BeTrue();
        var record = await disks.RecordAsync(clone);
        record["tags"]!.AsArray().Should().BeEmpty();
        record["name_label"]!.GetValue<string>().Should().Be("plain");
        (await disks.Api.ErrorAsync("VDI.snapshot", disk)).Should().Equal("UNIMPLEMENTED_IN_SM_BACKEND", sr);
        var resize = await disks.Api.ErrorAsync("VDI.resize", disk, Size * 2L);
        resize[0].Should().Be("INTERNAL_ERROR");
        resize[1].Should().Contain("Unimplemented");
        await disks.Api.CallAsync("VDI.destroy", disk);
        (await disks.HashAsync(clone)).Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_machine_with_such_a_disk_is_cloned_whole_and_not_snapshotted_at_all()
    {
        var (disks, disk) = await CreateAsync();
        await disks.ImportAsync(disk, Noise(Size));
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("plain"));
        await disks.Api.CallAsync("VBD.create", Records.Vbd(vm, disk));
        var before = await disks.Api.ListAsync("VDI.get_all");

        (await disks.Api.ErrorAsync("VM.snapshot", vm, "no")).Should().Equal("UNIMPLEMENTED_IN_SM_BACKEND", await disks.DefaultSrAsync());
        (await disks.Api.ListAsync("VDI.get_all")).Should().BeEquivalentTo(before);

        var clone = await disks.Api.TextAsync("VM.clone", vm, "copy");
        var vbd = (await disks.Api.ListAsync("VM.get_VBDs", clone)).Single();
        (await disks.ExportAsync(await disks.Api.TextAsync("VBD.get_VDI", vbd))).AsSpan(0, Size).SequenceEqual(Noise(Size)).Should().BeTrue();
    }

    [Fact]
    public async Task What_a_client_writes_into_its_sm_config_changes_nothing()
    {
        var (disks, plain) = await CreateAsync();
        await disks.ImportAsync(plain, Noise(Size));
        await disks.Api.CallAsync("VDI.remove_from_sm_config", plain, "type");
        var copy = await disks.Api.TextAsync("VDI.clone", plain);
        (await disks.ExportAsync(copy)).AsSpan(0, Size).SequenceEqual(Noise(Size)).Should().BeTrue();

        var tree = await disks.CreateAsync(4 << 20, "tree");
        await disks.ImportAsync(tree, Noise(Size));
        await disks.Api.CallAsync("VDI.add_to_sm_config", tree, "type", "raw");
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("tree"));
        await disks.Api.CallAsync("VBD.create", Records.Vbd(vm, tree));
        var clone = await disks.Api.TextAsync("VM.clone", vm, "clone");
        var vbd = (await disks.Api.ListAsync("VM.get_VBDs", clone)).Single();
        foreach (var branch in (string[])[await disks.Api.TextAsync("VDI.clone", tree), await disks.Api.TextAsync("VBD.get_VDI", vbd)])
        {
            (await disks.RecordAsync(branch))["sm_config"]!["vhd-parent"].Should().NotBeNull("it shares its data");
            (await disks.ExportAsync(branch)).AsSpan(0, Size).SequenceEqual(Noise(Size)).Should().BeTrue();
        }
    }

    private async Task<(DiskClient Disks, string Disk)> CreateAsync()
    {
        var disks = await DiskClient.LoginAsync(server);
        return (disks, await disks.CreateAsync(Size, "plain", ("sm_config", JsonArguments.Map(("type", "raw")))));
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(11).NextBytes(bytes);
        return bytes;
    }
}
