using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Devices;

/// <summary>CDs in and out of a drive.</summary>
public sealed class VbdMediaTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [SeesEffectOf("VBD.insert", "VBD.eject")]
    [InlineData("Halted")]
    [InlineData("Running")]
    public async Task A_disk_goes_in_and_out(string state)
    {
        var rig = await VbdRig.CreateAsync(server, state, "BIOS order");
        var (image, drive) = (await rig.Disks.CreateAsync(Records.MiB, "image"), await rig.DriveAsync());
        string[] always = state == "Running" ? ["attach", "pause", "unpause"] : ["attach"];
        (await rig.AllowedAsync(drive)).Should().BeEquivalentTo([.. always, "insert"]);

        await rig.Api.CallAsync("VBD.insert", drive, image);
        var full = await rig.Api.RecordAsync("VBD", drive);
        full["VDI"]!.GetValue<string>().Should().Be(image);
        full["empty"]!.GetValue<bool>().Should().BeFalse();
        (await rig.Api.ListAsync("VDI.get_VBDs", image)).Should().Equal(drive);
        (await rig.AllowedAsync(drive)).Should().BeEquivalentTo([.. always, "eject"]);
        (await rig.Api.ErrorAsync("VBD.insert", drive, image)).Should().Equal("VBD_NOT_EMPTY", drive);

        await rig.Api.CallAsync("VBD.eject", drive);
        var empty = await rig.Api.RecordAsync("VBD", drive);
        empty["VDI"]!.GetValue<string>().Should().Be(Records.Null);
        empty["empty"]!.GetValue<bool>().Should().BeTrue();
        (await rig.Api.ListAsync("VDI.get_VBDs", image)).Should().BeEmpty();
        (await rig.Api.ErrorAsync("VBD.eject", drive)).Should().Equal("VBD_IS_EMPTY", drive);
    }

    [Fact]
    public async Task A_disk_drive_has_no_door()
    {
        var rig = await VbdRig.CreateAsync(server);
        (await rig.Api.ErrorAsync("VBD.eject", rig.Vbd)).Should().Equal("VBD_NOT_REMOVABLE_MEDIA", rig.Vbd);
        (await rig.Api.ErrorAsync("VBD.insert", rig.Vbd, rig.Vdi)).Should().Equal("VBD_NOT_REMOVABLE_MEDIA", rig.Vbd);
    }

    [Fact]
    public async Task A_suspended_VM_keeps_what_is_in()
    {
        var rig = await VbdRig.CreateAsync(server, "Suspended", "BIOS order");
        var (full, drive) = (await rig.DriveAsync(rig.Vdi), await rig.DriveAsync());
        (await rig.Api.ErrorAsync("VBD.eject", full)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted, running", "suspended");
        (await rig.Api.ErrorAsync("VBD.insert", drive, rig.Vdi)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted, running", "suspended");
    }

    [Fact]
    public async Task What_goes_in_must_be_free()
    {
        var rig = await VbdRig.CreateAsync(server);
        var drive = await rig.DriveAsync();
        (await rig.Api.ErrorAsync("VBD.insert", drive, SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "VDI", SampleValues.Nowhere);
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        (await rig.Api.ErrorAsync("VBD.insert", drive, rig.Vdi)).Should().Equal("VDI_IN_USE", rig.Vdi);
        var image = await rig.Disks.CreateAsync(Records.MiB);
        rig.Set(image, "managed", false);
        (await rig.Api.ErrorAsync("VBD.insert", drive, image)).Should().Equal("VDI_NOT_MANAGED", image);
        rig.Set(image, "managed", true);

        rig.Run(image, "resize");
        var task = await rig.Api.TextAsync("Async.VBD.insert", drive, image);
        rig.Rest(image);
        (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        (await rig.Api.TextAsync("VBD.get_VDI", drive)).Should().Be(image);
    }

    [Fact]
    public async Task Many_drives_read_one_image()
    {
        var rig = await VbdRig.CreateAsync(server, policy: "BIOS order");
        var image = await rig.Disks.CreateAsync(Records.MiB);
        foreach (var drive in (string[])[await rig.DriveAsync(), await rig.DriveAsync(), await rig.DriveAsync()])
        {
            rig.Set(drive, "currently_attached", true);
            await rig.Api.CallAsync("VBD.insert", drive, image);
        }

        (await rig.Api.ListAsync("VDI.get_VBDs", image)).Should().HaveCount(3);
    }
}
