using System.Net;
using System.Text.Json.Nodes;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;

namespace XapiCompat.Server.Tests.Nbd;

/// <summary>Disks of a server over NBD: as a backup client finds them, and by the plugin.</summary>
internal sealed class NbdRig(RunningServer server, DiskClient disks)
{
    public const int Size = 8 << 20;

    public DiskClient Disks { get; } = disks;

    public XenClient Api => Disks.Api;

    public IPEndPoint Endpoint => new(IPAddress.Loopback, server.Host.Nbd!.Port);

    public static async Task<NbdRig> LoginAsync(RunningServer server) => new(server, await DiskClient.LoginAsync(server));

    public async Task<string> HostAsync() => (await Api.ListAsync("host.get_all"))[0];

    /// <summary>The network of the interface that has an address.</summary>
    public async Task<string> NetworkAsync()
    {
        foreach (var pif in await Api.ListAsync("PIF.get_all"))
        {
            if ((await Api.TextAsync("PIF.get_IP", pif)).Length > 0)
                return await Api.TextAsync("PIF.get_network", pif);
        }

        throw new InvalidOperationException("no interface has an address");
    }

    /// <summary>Gives that network the one purpose, or none.</summary>
    public async Task PurposeAsync(string? purpose)
    {
        var network = await NetworkAsync();
        foreach (var old in await Api.ListAsync("network.get_purpose", network))
            await Api.CallAsync("network.remove_purpose", network, old);
        if (purpose is not null)
            await Api.CallAsync("network.add_purpose", network, purpose);
    }

    public async Task<(string Vdi, byte[] Content)> DiskAsync(int seed)
    {
        var content = new byte[Size];
        new Random(seed).NextBytes(content.AsSpan(0, 3 << 20));
        var vdi = await Disks.CreateAsync(Size);
        await Disks.ImportAsync(vdi, content);
        return (vdi, content);
    }

    public async Task<string> NameAsync(string vdi) => (await Api.CallAsync("VDI.get_nbd_info", vdi)).AsArray()[0]!["exportname"]!.GetValue<string>();

    public Task<NbdClient> ConnectAsync() => NbdClient.ConnectAsync(Endpoint);

    public Task<NbdClient> OpenAsync(string name, params string[] contexts) => NbdClient.OpenAsync(Endpoint, name, true, contexts);

    /// <summary>How the server answers a client that wants an export.</summary>
    public async Task<NbdOptionReply> RefusalAsync(string name)
    {
        await using var client = await ConnectAsync();
        return await client.OutcomeAsync(NbdOption.Go, NbdClient.GoData(name));
    }

    public async Task<JsonNode> PluginAsync(string function, params (string Name, string Value)[] arguments) =>
        JsonNode.Parse(await Api.TextAsync("host.call_plugin", await HostAsync(), "xapicompat", function, Arguments(arguments)))!;

    public async Task<IReadOnlyList<string>> PluginErrorAsync(string function, params (string Name, string Value)[] arguments) =>
        await Api.ErrorAsync("host.call_plugin", await HostAsync(), "xapicompat", function, Arguments(arguments));

    private static JsonObject Arguments((string Name, string Value)[] arguments) => JsonArguments.Map([.. arguments.Select(a => (a.Name, (object?)a.Value))]);
}
