using System.Text;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>One dialogue in which the test decides about every byte.</summary>
internal sealed class XeConnection(RawClient client) : IAsyncDisposable
{
    public RawClient Client { get; } = client;

    public XeFrames Frames { get; } = new(client.Stream);

    public static async Task<XeConnection> OpenAsync(RunningServer server, params IReadOnlyList<string> arguments)
    {
        var connection = new XeConnection(await RawClient.ConnectAsync(server.Port, tls: false));
        await connection.Client.SendAsync(Request(arguments));
        return connection;
    }

    /// <summary>The same, with the greetings exchanged.</summary>
    public static async Task<XeConnection> GreetAsync(RunningServer server, params IReadOnlyList<string> arguments)
    {
        var connection = await OpenAsync(server, arguments);
        await connection.Frames.GreetAsync(CancellationToken.None);
        return connection;
    }

    public static byte[] Request(IReadOnlyList<string> arguments) => Head(Encoding.UTF8.GetBytes(string.Join('\n', [.. arguments, "username=root", "password=" + ServerOptions.DefaultPassword])));

    public static byte[] Head(byte[] body) => [.. Encoding.ASCII.GetBytes("POST /cli HTTP/1.0\r\noriginator: cli\r\ncontent-length: " + body.Length + "\r\n\r\n"), .. body];

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
