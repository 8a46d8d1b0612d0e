using Xunit;

namespace XapiCompat.Server.Tests.Support;

/// <summary>A server with a second SR for disks, and with storage that fails when a test says so.</summary>
public sealed class TwoSrServer : IAsyncLifetime
{
    public TwoSrServer() => Server = new() { Configure = options => options with { WrapStorage = plugin => new UnreliablePlugin(plugin, Faults) } };

    public RunningServer Server { get; }

    public StorageFaults Faults { get; } = new();

    /// <summary>Reference of the second SR; its type says nothing of VDI_REVERT and VDI_INTRODUCE until a test adds them.</summary>
    public string OtherSr { get; } = "OpaqueRef:" + Guid.NewGuid().ToString("D");

    public async Task InitializeAsync()
    {
        await Server.StartAsync();
        Server.Host.Records.Commit(unit =>
        {
            var host = unit.All(unit.Model.Class("host")).First();
            unit.Insert(
                unit.Model.Class("SR"),
                OtherSr,
                [("uuid", Guid.NewGuid().ToString("D")), ("name_label", "other"), ("type", "lvm"), ("content_type", "user"), ("physical_size", 1L << 40)]);
            unit.Insert(
                unit.Model.Class("PBD"),
                "OpaqueRef:" + Guid.NewGuid().ToString("D"),
                [
                    ("uuid", Guid.NewGuid().ToString("D")), ("SR", OtherSr), ("host", host.Reference), ("currently_attached", true),
                    ("device_config", Values.XenStruct.Of(("device", "/dev/other"))),
                ]);
        });

        // Directories of planted SRs are made at the start.
        await Server.RestartAsync();
    }

    /// <summary>Lets the SRs of a type claim a feature.</summary>
    public void SetFeature(string type, string feature, bool on) => Server.Host.Records.Commit(unit =>
    {
        var manager = unit.All(unit.Model.Class("SM")).First(m => m.Text("type") == type);
        unit.Set(manager.Reference, "features", on ? manager.Map("features").With(feature, 1) : manager.Map("features").Without(feature));
    });

    public Task DisposeAsync() => Server.DisposeAsync();
}
