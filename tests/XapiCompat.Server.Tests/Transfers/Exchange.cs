using System.Globalization;
using System.Text;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>One answer of the server as a raw client saw it.</summary>
internal sealed record Exchange(string Head, byte[] Body)
{
    public int Status => int.Parse(Head.Split(' ')[1], CultureInfo.InvariantCulture);

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Null when there is no such header.</summary>
    public string? Header(string name) =>
        Head.Split("\r\n").Skip(1).Select(line => line.Split(':', 2))
            .FirstOrDefault(pair => pair[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1].Trim();

    /// <summary>Sends everything and reads to the end of the connection; a cut end counts as an end.</summary>
    public static async Task<Exchange> RunAsync(FileRig rig, string request, byte[]? body = null, bool tls = false)
    {
        await using var client = await rig.ConnectAsync(tls);
        await client.SendAsync(request);
        if (body is not null)
            await client.SendAsync(body);
        var head = await client.ReadHeadAsync();
        return new Exchange(head, Encoding.Latin1.GetBytes(await client.ReadTextAsync()));
    }

    public static Task<Exchange> GetAsync(FileRig rig, string query, string version = "1.0", string headers = "", bool tls = false) =>
        RunAsync(rig, $"GET /export_raw_vdi?{query} HTTP/{version}\r\n{(version == "1.1" ? "Host: x\r\n" : "")}{headers}\r\n", tls: tls);

    /// <summary>An upload of known length that closes at the end.</summary>
    public static Task<Exchange> PutAsync(FileRig rig, string query, byte[] body, string headers = "", bool tls = false) =>
        RunAsync(
            rig,
            $"PUT /import_raw_vdi?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {body.Length}\r\n{headers}\r\n",
            body,
            tls);
}
