using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FluentAssertions;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Disks as a backup client uses them: made and cut off over RPC, filled and read over HTTP.</summary>
public sealed class DiskClient(HttpClient http, XenClient client)
{
    public const int Block = 2 << 20;

    public XenClient Api { get; } = client;

    public static async Task<DiskClient> LoginAsync(RunningServer server) => new(server.Http, await server.LoginAsync());

    public async Task<string> DefaultSrAsync() => await Api.TextAsync("pool.get_default_SR", (await Api.ListAsync("pool.get_all"))[0]);

    public async Task<string> CreateAsync(long size, string name = "disk", params (string Name, object? Value)[] other) =>
        await Api.TextAsync("VDI.create", Records.Vdi(await DefaultSrAsync(), size, name, other));

    public Task<JsonObject> RecordAsync(string vdi) => Api.RecordAsync("VDI", vdi);

    /// <summary>Writes the first bytes of a disk, or what a VHD holds.</summary>
    public async Task ImportAsync(string vdi, byte[] body, string format = "raw")
    {
        using var content = new ByteArrayContent(body);
        using var response = await http.PutAsync($"/import_raw_vdi?session_id={Api.Session}&vdi={vdi}&format={format}", content);
        response.StatusCode.Should().Be(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    public async Task<byte[]> ExportAsync(string vdi, string format = "raw", string? @base = null)
    {
        var path = $"/export_raw_vdi?session_id={Api.Session}&vdi={vdi}&format={format}" + (@base is null ? "" : "&base=" + @base);
        using var response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        var body = await response.Content.ReadAsByteArrayAsync();
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return body;
    }

    public async Task<string> HashAsync(string vdi) => Convert.ToHexString(SHA256.HashData(await ExportAsync(vdi)));

    public async Task<string> UuidAsync(string vdi) => await Api.TextAsync("VDI.get_uuid", vdi);
}
