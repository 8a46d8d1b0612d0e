using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>All objects, files and promises of a server, to be compared with those after a call that failed.</summary>
internal sealed class Leftovers
{
    private static readonly string[] Classes = ["VM", "VM_metrics", "VM_guest_metrics", "VBD", "VIF", "VBD_metrics", "VIF_metrics", "VTPM", "VGPU", "secret", "task"];

    private readonly RunningServer _server;
    private readonly List<string> _objects;
    private readonly List<string> _disks;
    private readonly string _vm;

    private Leftovers(RunningServer server, string vm)
    {
        (_server, _vm) = (server, vm);
        _objects = Objects();
        _disks = Disks();
    }

    public static Task<Leftovers> OfAsync(VmRig rig, RunningServer server) => Task.FromResult(new Leftovers(server, rig.Vm));

    public Task ShouldBeTheSameAsync()
    {
        Objects().Should().BeEquivalentTo(_objects);
        Disks().Should().BeEquivalentTo(_disks);
        _server.Host.Records.Intents.Should().BeEmpty();
        var records = _server.Host.Records.Current;
        foreach (var busy in (string[])["VM", "VDI", "SR"])
            records.All(_server.Host.Records.Model.Class(busy)).Should().OnlyContain(r => r.Map("current_operations").Count == 0);
        records.Find(_vm)!.Map("current_operations").Count.Should().Be(0);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_server.StatePath, "sr"), "*.vhd", SearchOption.AllDirectories))
            records.FindByUuid(_server.Host.Records.Model.Class("VDI"), Path.GetFileNameWithoutExtension(file)).Should().NotBeNull(file + " belongs to a disk");
        Directory.EnumerateFiles(_server.StatePath, "*.tmp", SearchOption.AllDirectories).Should().BeEmpty();
        return Task.CompletedTask;
    }

    private List<string> Objects() =>
        [.. Classes.SelectMany(c => _server.Host.Records.Current.All(_server.Host.Records.Model.Class(c))).Select(r => r.ToString())];

    /// <summary>Base copies may stay: the files of a snapshot that is taken back are still one file more.</summary>
    private List<string> Disks() =>
        [.. _server.Host.Records.Current.All(_server.Host.Records.Model.Class("VDI")).Where(v => v.Flag("managed")).Select((Record v) => v.Reference)];
}
