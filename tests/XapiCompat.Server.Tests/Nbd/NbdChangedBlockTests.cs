using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Nbd;

/// <summary>Changed blocks as maps of an export: what VDI.list_changed_blocks says, bit for bit.</summary>
public sealed class NbdChangedBlockTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const int Grain = 64 << 10;

    [Fact]
    public async Task Each_older_tracked_disk_is_a_dirty_bitmap()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        var (vdi, _) = await rig.DiskAsync(1);
        await rig.Api.CallAsync("VDI.enable_cbt", vdi);
        var random = new Random(1);
        var snapshots = new List<string>();
        await rig.PluginAsync("nbd_export_start", ("vdi", vdi), ("writable", "true"), ("name", "guest"));
        await using (var guest = await rig.OpenAsync("guest"))
        {
            for (var i = 0; i < 4; i++)
            {
                snapshots.Add(await rig.Api.TextAsync("VDI.snapshot", vdi));
                for (var j = 0; j < 3; j++)
                    await guest.WriteAsync(random.Next(NbdRig.Size - 100_000), new byte[1 + random.Next(100_000)]);
            }
        }

        await rig.PluginAsync("nbd_export_stop", ("name", "guest"));
        await rig.Api.CallAsync("VDI.data_destroy", snapshots[1]);
        snapshots.Add(await rig.Api.TextAsync("VDI.snapshot", vdi));
        var uuids = new List<string>();
        foreach (var snapshot in snapshots)
            uuids.Add(await rig.Disks.UuidAsync(snapshot));

        var name = await rig.NameAsync(snapshots[4]);
        string[] all = ["base:allocation", .. uuids.Take(4).Select(u => "qemu:dirty-bitmap:" + u)];
        await using var client = await rig.ConnectAsync();
        await client.StructuredAsync();
        (await client.ListContextsAsync(name)).Should().BeEquivalentTo(all);
        (await client.ListContextsAsync(name, "qemu:dirty-bitmap:" + uuids[4], "qemu:dirty-bitmap:" + Guid.Empty)).Should().BeEmpty("nothing changed since itself, or since nothing");
        (await client.ChooseAsync(name, all)).Should().BeEquivalentTo(all);
        await client.GoAsync(name);
        var status = await client.StatusAsync(0, NbdRig.Size);
        for (var i = 0; i < 4; i++)
            Bits(status["qemu:dirty-bitmap:" + uuids[i]]).Should().Equal(Convert.FromBase64String(await rig.Api.TextAsync("VDI.list_changed_blocks", snapshots[i], snapshots[4])));
        status["qemu:dirty-bitmap:" + uuids[0]].Should().Contain(r => r.State == 1).And.Contain(r => r.State == 0);

        (await rig.RefusalAsync($"/{uuids[1]}?session_id={rig.Api.Session}")).Should().NotBe(XapiCompat.Nbd.Protocol.NbdOptionReply.Ack, "its data is destroyed");
        (await rig.Api.ErrorAsync("VDI.get_nbd_info", snapshots[1])).Should().HaveElementAt(0, "VDI_INCOMPATIBLE_TYPE");
        (await rig.PluginErrorAsync("nbd_export_start", ("vdi", uuids[1]))).Should().HaveElementAt(0, "VDI_INCOMPATIBLE_TYPE");
    }

    [Fact]
    public async Task A_disk_that_is_not_tracked_has_no_dirty_bitmap()
    {
        var rig = await NbdRig.LoginAsync(server);
        await rig.PurposeAsync("insecure_nbd");
        var (vdi, _) = await rig.DiskAsync(2);
        var snapshot = await rig.Api.TextAsync("VDI.snapshot", vdi);
        await using var client = await rig.ConnectAsync();
        await client.StructuredAsync();
        (await client.ListContextsAsync(await rig.NameAsync(vdi))).Should().Equal("base:allocation");
        (await client.ChooseAsync(await rig.NameAsync(vdi), "qemu:dirty-bitmap:" + await rig.Disks.UuidAsync(snapshot))).Should().BeEmpty();
    }

    private static byte[] Bits(List<(uint Length, uint State)> runs)
    {
        var bits = new byte[NbdRig.Size / Grain / 8];
        var block = 0L;
        foreach (var (length, state) in runs)
        {
            (length % Grain).Should().Be(0);
            for (var end = block + length / Grain; block < end; block++)
            {
                if (state == 1)
                    bits[block / 8] |= (byte)(0x80 >> (int)(block % 8));
            }
        }

        return bits;
    }
}
