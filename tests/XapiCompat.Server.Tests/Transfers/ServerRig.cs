using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Testing;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>The whole server, used through its API alone: JSON-RPC, and downloads for reading disks back.</summary>
internal sealed class ServerRig : ITransferRig
{
    private readonly TempDirectory _state = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private ServerHost _host = null!;
    private string _sr = "";

    public string Session { get; private set; } = "";

    public string SmallRequest
    {
        get
        {
            var body = """{"jsonrpc":"2.0","method":"host.get_all","params":["SESSION"],"id":1}""".Replace("SESSION", Session, StringComparison.Ordinal);
            return $"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        }
    }

    public static async Task<ServerRig> StartAsync()
    {
        var rig = new ServerRig();
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        rig._host = await ServerHost.StartAsync(new ServerOptions { Http = anyPort, Https = anyPort, State = rig._state.Path });
        rig.Session = (await rig.CallAsync("session.login_with_password", "root", ServerOptions.DefaultPassword)).GetString()!;
        var pool = (await rig.CallAsync("pool.get_all", rig.Session))[0].GetString()!;
        rig._sr = (await rig.CallAsync("pool.get_default_SR", rig.Session, pool)).GetString()!;
        return rig;
    }

    public int Port(bool tls) => tls ? _host.Https!.Port : _host.Http!.Port;

    public ValueTask<RawClient> ConnectAsync(bool tls) => RawClient.ConnectAsync(Port(tls), tls);

    public async Task<string> CreateDiskAsync(long size)
    {
        var record = new Dictionary<string, object>
        {
            ["name_label"] = "upload",
            ["name_description"] = "",
            ["SR"] = _sr,
            ["virtual_size"] = size.ToString(CultureInfo.InvariantCulture),
            ["type"] = "user",
            ["sharable"] = false,
            ["read_only"] = false,
            ["other_config"] = new Dictionary<string, string>(),
        };
        return (await CallAsync("VDI.create", Session, record)).GetString()!;
    }

    public async Task DestroyDiskAsync(string vdi) => await CallAsync("VDI.destroy", Session, vdi);

    public async Task<string> CreateTaskAsync() => (await CallAsync("task.create", Session, "upload", "")).GetString()!;

    public async Task<TaskState> TaskAsync(string task)
    {
        var record = await CallAsync("task.get_record", Session, task);
        return new TaskState(
            record.GetProperty("status").GetString()!,
            [.. record.GetProperty("error_info").EnumerateArray().Select(e => e.GetString()!)],
            record.GetProperty("result").GetString()!,
            record.GetProperty("progress").GetDouble());
    }

    public async Task<string> HashAsync(string vdi)
    {
        var uri = new Uri($"http://127.0.0.1:{Port(tls: false)}/export_raw_vdi?session_id={Uri.EscapeDataString(Session)}&vdi={vdi}");
        using var answer = await _http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        return Convert.ToHexString(await SHA256.HashDataAsync(body));
    }

    public async Task<JsonElement> CallAsync(string method, params object[] arguments)
    {
        var call = JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = arguments });
        using var content = new StringContent(call, Encoding.UTF8);
        using var answer = await _http.PostAsync(new Uri($"http://127.0.0.1:{Port(tls: false)}/jsonrpc"), content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.TryGetProperty("result", out var result)
            ? result.Clone()
            : throw new InvalidOperationException(method + ": " + document.RootElement);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        _state.Dispose();
    }
}
