using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XapiCompat.Server.Tests.Support;

/// <summary>
/// A thin client for tests: runs commands over plain TCP as the original does, with files in memory and lines that a user
/// would type.
/// </summary>
internal sealed class XeDialogue(int port)
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    public string User { get; set; } = "root";

    public string Password { get; set; } = ServerOptions.DefaultPassword;

    /// <summary>The user's files by the name on the command line. Downloads appear here; an existing one is not replaced.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>What the user types, line by line; a prompt without a line left is the end of standard input.</summary>
    public Queue<string> Typed { get; } = new();

    public async Task<XeOutcome> RunAsync(params IReadOnlyList<string> arguments)
    {
        using var cap = new CancellationTokenSource(HangCap);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cap.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Request(arguments), cap.Token);
        var frames = new XeFrames(stream);
        await frames.GreetAsync(cap.Token);

        var output = new StringBuilder();
        var error = new StringBuilder();
        while (await frames.ReadAsync(cap.Token) is { } frame)
        {
            switch (frame.Name)
            {
                case "Print":
                    output.Append(frame.Texts[0]).Append('\n');
                    break;
                case "PrintStderr":
                    error.Append(frame.Texts[0]);
                    break;
                case "Error":
                    error.Append("Error code: ").Append(frame.Texts[0]).Append('\n');
                    error.Append("Error parameters: ").AppendJoin(", ", frame.Texts.Skip(1)).Append('\n');
                    break;
                case "Debug":
                    break;
                case "Exit":
                    return new(output.ToString(), error.ToString(), frame.Number);
                case "Prompt" when Typed.TryDequeue(out var line):
                    await frames.BlobAsync(line, cap.Token);
                    break;
                case "Prompt":
                    return Lost();
                case "Load":
                    Permit(arguments, frame.Texts[0]);
                    if (Files.TryGetValue(frame.Texts[0], out var bytes))
                    {
                        await frames.OkAsync(cap.Token);
                        await frames.BlobAsync(bytes, cap.Token);
                    }
                    else
                    {
                        await frames.FailedAsync(cap.Token);
                    }

                    break;
                case "HttpGet" or "HttpPut":
                    if (frame.Texts[0].Length > 0)
                        Permit(arguments, frame.Texts[0]);
                    await frames.WaitAsync(cap.Token);
                    if (await (frame.Name == "HttpGet" ? GetAsync(frame.Texts, output, cap.Token) : PutAsync(frame.Texts, cap.Token)))
                        await frames.OkAsync(cap.Token);
                    else
                        await frames.FailedAsync(cap.Token);
                    break;
                default:
                    throw new InvalidDataException(frame.Name + " is not for tests");
            }
        }

        return Lost();

        XeOutcome Lost() => new(output.ToString(), error.Append("Lost connection to the server.\n").ToString(), 1);
    }

    /// <summary>The bytes of the request, as the original client sends them.</summary>
    public byte[] Request(IReadOnlyList<string> arguments)
    {
        var body = Encoding.UTF8.GetBytes(string.Join('\n', [.. arguments, "username=" + User, "password=" + Password]));
        return
        [
            .. Encoding.ASCII.GetBytes(
                "POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ncontent-length: " + body.Length + "\r\n\r\n"),
            .. body,
        ];
    }

    private async Task<bool> GetAsync(IReadOnlyList<string> order, StringBuilder output, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET " + order[1] + " HTTP/1.0\r\n\r\n"), cancellation);
        if (await HeadAsync(stream, cancellation) != 200)
            return false;
        using var body = new MemoryStream();
        await stream.CopyToAsync(body, cancellation);
        if (order[0].Length > 0)
            return Files.TryAdd(order[0], body.ToArray());
        output.Append(Encoding.UTF8.GetString(body.ToArray()));
        return true;
    }

    /// <summary>The body goes out when the head of the answer is there, and the connection closes behind its last byte.</summary>
    private async Task<bool> PutAsync(IReadOnlyList<string> order, CancellationToken cancellation)
    {
        if (!Files.TryGetValue(order[0], out var bytes))
            return false;
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("PUT " + order[1] + " HTTP/1.0\r\nContent-length: " + bytes.Length + "\r\n\r\n"), cancellation);
        if (await HeadAsync(stream, cancellation) != 200)
            return false;
        await stream.WriteAsync(bytes, cancellation);
        return true;
    }

    /// <summary>The status of an answer; its head is read to the end.</summary>
    private static async Task<int> HeadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, cancellation) == 0)
                return 0;
            head.Append((char)one[0]);
        }

        return int.Parse(head.ToString().Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The original touches no file but those that its user named.</summary>
    private static void Permit(IReadOnlyList<string> arguments, string file)
    {
        if (!arguments.Any(a => a.EndsWith("=" + file, StringComparison.Ordinal)))
            throw new InvalidDataException("the user named no file " + file);
    }
}
