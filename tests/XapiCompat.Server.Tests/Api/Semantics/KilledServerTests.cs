using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>A server that ends in the middle of an operation: its files, copied at that moment, make a server with all of it or nothing.</summary>
public sealed class KilledServerTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Theory]
    [InlineData("VDI.copy", "write", 2)]
    [InlineData("VDI.pool_migrate", "write", 1)]
    [InlineData("VM.copy", "create", 2)]
    [InlineData("VM.copy", "write", 2)]
    [InlineData("VM.clone", "clone", 2)]
    [InlineData("VM.snapshot", "snapshot", 2)]
    [InlineData("VM.revert", "clone", 2)]
    [InlineData("VM.provision", "create", 2)]
    public async Task Nothing_half_made_is_left(string message, string operation, int number)
    {
        var rig = await VmRig.CreateAsync(server.Server);
        var disks = await rig.DisksAsync();
        await rig.Disks.ImportAsync(disks["0"], [.. Enumerable.Repeat((byte)1, 1_500_000)]);
        var snapshot = await rig.SnapshotAsync();
        await rig.MarkAsync(disks["1"], 77);
        var sr = await rig.Api.TextAsync("SR.get_uuid", await rig.Disks.DefaultSrAsync());
        var template = await rig.Api.TextAsync("VM.clone", (await rig.Api.ListAsync("VM.get_by_name_label", "Other install media"))[0], "template");
        var disk = $"<disk device=\"0\" size=\"4096\" sr=\"{sr}\" bootable=\"true\"/>";
        await rig.Api.CallAsync("VM.set_other_config", template, JsonArguments.Map(("disks", "<provision>" + disk + disk.Replace("\"0\"", "\"1\"") + "</provision>")));
        object?[] arguments = message switch
        {
            "VDI.copy" => [disks["0"], server.OtherSr],
            "VDI.pool_migrate" => [disks["0"], server.OtherSr, JsonArguments.Map()],
            "VM.copy" => [rig.Vm, "copy", server.OtherSr],
            "VM.revert" => [snapshot],
            "VM.provision" => [template],
            _ => [rig.Vm, "made"],
        };
        var before = await StateAsync(rig.Api);

        await using var copy = new RunningServerCopy(server.Server);
        using (var pause = server.Faults.Pause(operation, number))
        {
            var task = await rig.Api.TextAsync("Async." + message, arguments);
            await pause.Reached;
            copy.Take();
            pause.Dispose();
            (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success", "the one that was not killed comes to its end");
        }

        await copy.Server.StartAsync();
        var after = new VmRig(await DiskClient.LoginAsync(copy.Server));
        (await StateAsync(after.Api)).Should().BeEquivalentTo(before);
        copy.Server.Host.Records.Intents.Should().BeEmpty();
        copy.Server.Host.Records.Current.All(copy.Server.Host.Records.Model.Class("VM")).Should().OnlyContain(v => v.Map("current_operations").Count == 0);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(copy.Server.StatePath, "sr"), "*.vhd", SearchOption.AllDirectories))
            (await after.Api.AnswerAsync("VDI.get_by_uuid", Path.GetFileNameWithoutExtension(file))).Error.Should().BeNull(file + " belongs to a disk");
        (await after.ReadMarkAsync(disks["0"])).Should().Be(1);
        (await after.ReadMarkAsync(disks["1"])).Should().Be(77);
        (await after.ReadMarkAsync((await after.DisksAsync(snapshot))["1"])).Should().Be(2);
        await after.Api.CallAsync(message, arguments);
    }

    /// <summary>VMs, managed disks and devices.</summary>
    private static async Task<List<string>> StateAsync(XenClient api)
    {
        var all = new List<string>();
        foreach (var @class in (string[])["VM", "VBD", "VIF"])
            all.AddRange(await api.ListAsync(@class + ".get_all"));
        foreach (var (reference, record) in (await api.CallAsync("VDI.get_all_records")).AsObject())
        {
            if (record!["managed"]!.GetValue<bool>())
                all.Add(reference);
        }

        foreach (var (reference, record) in (await api.CallAsync("VM.get_all_records")).AsObject())
            all.Add(reference + record!["is_a_template"] + record["parent"] + record["power_state"]);
        return all;
    }
}
