using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Calls that meet on the same objects wait for each other and leave nothing half done.</summary>
public sealed class ConcurrencyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan HangCap = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Snapshots_and_reverts_of_one_VM_take_turns()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync("first");
        var calls = Enumerable.Range(0, 12).Select(i => i % 3 == 0
            ? rig.Api.AnswerAsync("VM.revert", snapshot)
            : rig.Api.AnswerAsync("VM.snapshot", rig.Vm, "number " + i)).ToList();
        var answers = await Task.WhenAll(calls).WaitAsync(HangCap);
        answers.Should().OnlyContain(a => a.Error == null);
        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().HaveCount(9);
        await IdleAsync(rig.Disks);
        foreach (var vm in (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Append(rig.Vm))
        {
            foreach (var (device, disk) in await rig.DisksAsync(vm))
                (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
        }
    }

    [Fact]
    public async Task Copies_of_one_disk_and_its_end_take_turns()
    {
        var disks = await DiskClient.LoginAsync(server);
        var vdi = await disks.CreateAsync(2 * Records.MiB);
        await disks.ImportAsync(vdi, [42, .. new byte[511]]);
        var copies = Enumerable.Range(0, 10).Select(i => disks.Api.AnswerAsync(i % 2 == 0 ? "VDI.snapshot" : "VDI.clone", vdi)).ToList();
        var end = disks.Api.AnswerAsync("VDI.destroy", vdi);
        var answers = await Task.WhenAll(copies).WaitAsync(HangCap);
        (await end.WaitAsync(HangCap)).Error.Should().BeNull();
        foreach (var answer in answers)
        {
            if (answer.Error is not null)
                answer.Error.Should().Equal("HANDLE_INVALID", "VDI", vdi);
            else
                (await disks.ExportAsync(answer.Value!.GetValue<string>()))[0].Should().Be(42);
        }

        await IdleAsync(disks);
    }

    [Fact]
    public async Task A_key_is_a_lock_that_one_client_gets()
    {
        var rig = await DiskClient.LoginAsync(server);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("mutex"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => rig.Api.AnswerAsync("VM.add_to_other_config", vm, "lock", i.ToString())));
        answers.Count(a => a.Error is null).Should().Be(1);
        answers.Where(a => a.Error is not null).Should().OnlyContain(a => a.Error![0] == "MAP_DUPLICATE_KEY");
    }

    [Fact]
    public async Task Disks_of_many_clients_are_all_made()
    {
        var disks = await DiskClient.LoginAsync(server);
        var made = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => disks.CreateAsync(Records.MiB, "parallel " + i)));
        made.Should().OnlyHaveUniqueItems();
        (await disks.Api.ListAsync("SR.get_VDIs", await disks.DefaultSrAsync())).Should().Contain(made);
        await Task.WhenAll(made.Select(m => disks.Api.CallAsync("VDI.destroy", m)));
        await IdleAsync(disks);
    }

    /// <summary>No operation is left over, no intent, and the files are the records'.</summary>
    private async Task IdleAsync(DiskClient disks)
    {
        foreach (var @class in (string[])["VM", "VDI", "SR"])
        {
            foreach (var (_, record) in (await disks.Api.CallAsync(@class + ".get_all_records")).AsObject())
                record!["current_operations"]!.AsObject().Should().BeEmpty();
        }

        server.Host.Records.Intents.Should().BeEmpty();
        var records = (await disks.Api.CallAsync("VDI.get_all_records")).AsObject().Select(r => r.Value!["uuid"] + ".vhd");
        Directory.EnumerateFiles(Path.Combine(server.StatePath, "sr"), "*.vhd*", SearchOption.AllDirectories).Select(f => Path.GetFileName(f)!).Should().BeEquivalentTo(records);
    }
}
