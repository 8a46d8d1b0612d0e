using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>The published lists of the fresh inventory and of plain objects in their states.</summary>
public sealed class AllowedOperationsTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly string[] DefaultTemplate =
    [
        "clone", "copy", "export", "metadata_export", "provision", "changing_dynamic_range", "changing_static_range", "changing_shadow_memory", "changing_NVRAM",
    ];

    public static TheoryData<string, string, string[]> Fresh => new()
    {
        { "host", "true", ["provision", "evacuate", "vm_start", "vm_resume", "vm_migrate", "enable"] },
        { "VM", "field \"is_control_domain\" = \"true\"", ["changing_dynamic_range", "changing_static_range", "metadata_export"] },
        { "VM", "field \"name__label\" = \"Other install media\"", DefaultTemplate },
        { "VM", "field \"name__label\" = \"Debian Bookworm 12\"", DefaultTemplate },
        { "VM", "field \"name__label\" = \"Windows Server 2022 (64-bit)\"", DefaultTemplate },
        {
            "SR", "field \"name__label\" = \"Local storage\"",
            [
                "scan", "plug", "unplug", "update", "vdi_create", "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot", "vdi_mirror", "vdi_enable_cbt",
                "vdi_disable_cbt", "vdi_data_destroy", "vdi_list_changed_blocks", "vdi_set_on_boot", "pbd_create", "pbd_destroy",
            ]
        },
        { "SR", "field \"name__label\" = \"DVD drives\"", ["scan", "plug", "unplug", "update", "vdi_introduce", "vdi_clone", "pbd_create", "pbd_destroy"] },
        { "SR", "field \"name__label\" = \"Removable storage\"", ["scan", "plug", "unplug", "update", "vdi_introduce", "vdi_clone", "pbd_create", "pbd_destroy"] },
        { "SR", "field \"name__label\" = \"XCP-ng Tools\"", ["scan", "plug", "unplug", "vdi_clone", "pbd_create", "pbd_destroy"] },
    };

    [Theory]
    [MemberData(nameof(Fresh))]
    public async Task The_fresh_inventory_has_the_computed_lists(string @class, string query, string[] expected)
    {
        var client = await server.LoginAsync();
        var found = await client.ListAsync(@class + ".get_all_where", query);
        found.Should().ContainSingle();
        (await client.ListAsync(@class + ".get_allowed_operations", found[0])).Should().BeEquivalentTo(expected);
    }

    [Theory]
    [InlineData("Halted", "changing_dynamic_range, changing_static_range, changing_shadow_memory, changing_NVRAM, make_into_template, migrate_send, destroy, export, metadata_export, copy, clone, start, start_on, snapshot, create_vtpm")]
    [InlineData("Running", "changing_dynamic_range, migrate_send, pool_migrate, pause, hard_shutdown, hard_reboot, snapshot, metadata_export, sysprep, suspend, checkpoint, clean_shutdown, clean_reboot, changing_VCPUs_live")]
    [InlineData("Paused", "hard_shutdown, hard_reboot, unpause, snapshot, checkpoint, metadata_export")]
    [InlineData("Suspended", "resume, resume_on, hard_shutdown, destroy, export, metadata_export, migrate_send, snapshot, checkpoint")]
    public async Task A_plain_VM_has_the_list_of_its_state(string state, string expected)
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("plain", ("HVM_boot_policy", "")));
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", state));
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should().BeEquivalentTo(expected.Split(", "));
    }

    [Fact]
    public async Task A_guest_without_drivers_can_do_less()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("hvm"));
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Running"));
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should()
            .BeEquivalentTo("changing_dynamic_range", "pause", "hard_shutdown", "hard_reboot", "snapshot", "metadata_export", "sysprep");
    }

    [Fact]
    public async Task A_custom_template_can_be_destroyed()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("template"));
        await client.CallAsync("VM.set_is_a_template", vm, true);
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should().BeEquivalentTo([.. DefaultTemplate, "destroy", "migrate_send"]);
    }

    [Fact]
    public async Task A_disk_lists_the_old_operations_only()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(Records.MiB);
        string[] all = ["clone", "copy", "destroy", "forget", "generate_config", "resize", "snapshot", "update"];
        (await disks.Api.ListAsync("VDI.get_allowed_operations", vdi)).Should().BeEquivalentTo(all);
        (await disks.Api.ListAsync("VDI.get_allowed_operations", await disks.Api.TextAsync("VDI.snapshot", vdi))).Should().BeEquivalentTo(all);
    }

    [Fact]
    public async Task An_attached_disk_can_be_copied_off_only()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(Records.MiB);
        var vm = await disks.Api.TextAsync("VM.create", Records.Vm("holder"));
        var vbd = await disks.Api.TextAsync("VBD.create", Records.Vbd(vm, vdi));
        server.Host.Records.Commit(unit => unit.Set(vbd, "currently_attached", true));
        (await disks.Api.ListAsync("VDI.get_allowed_operations", vdi)).Should().BeEquivalentTo("clone", "snapshot");
        server.Host.Records.Commit(unit => unit.Set(vbd, "mode", "RO"));
        (await disks.Api.ListAsync("VDI.get_allowed_operations", vdi)).Should().BeEquivalentTo("clone", "snapshot", "copy");
    }

    [Fact]
    [SeesEffectOf("VM.add_to_blocked_operations", "VM.remove_from_blocked_operations")]
    public async Task A_blocked_operation_is_not_listed()
    {
        var client = await server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("blocked"));
        await client.CallAsync("VM.add_to_blocked_operations", vm, "Start", "no");
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should().NotContain("start").And.Contain("start_on");
        await client.CallAsync("VM.remove_from_blocked_operations", vm, "start");
        (await client.ListAsync("VM.get_allowed_operations", vm)).Should().Contain("start");
    }

    [Fact]
    public async Task An_unplugged_SR_takes_no_disks()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var disks = await DiskClient.LoginAsync(own);
            var sr = await disks.DefaultSrAsync();
            var vdi = await disks.CreateAsync(Records.MiB);
            var pbd = (await disks.Api.ListAsync("SR.get_PBDs", sr))[0];
            own.Host.Records.Commit(unit => unit.Set(pbd, "currently_attached", false));
            (await disks.Api.ListAsync("VDI.get_allowed_operations", vdi)).Should().NotContain("resize");
            (await disks.Api.ErrorAsync("SR.scan", sr)).Should().Equal("SR_HAS_NO_PBDS", sr);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }
}
