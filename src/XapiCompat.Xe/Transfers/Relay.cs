using System.Diagnostics;
using XapiCompat.Xe.Connections;

namespace XapiCompat.Xe.Transfers;

/// <summary>Connects the terminal to something of the server, byte by byte, until either side ends or the user types Ctrl-].</summary>
internal static class Relay
{
    private const byte Escape = 0x1d;

    public static void Run(Connector connector, ServerUrl url, Surroundings surroundings, Terminal terminal)
    {
        using var connection = connector.Open(url.Server);
        var answer = HttpAnswer.Ask(connection, $"CONNECT {url.Path} HTTP/1.0\r\ncontent-length: 0\r\n\r\n");
        if (answer.Status == 302 && answer.Location is { } location)
            throw new Redirection(location);
        if (answer.Status != 200)
        {
            terminal.Complain(answer.Status == 404
                ? "Server replied with HTTP 404: the console is not available\n"
                : $"The server answered with status {answer.Status}\n");
            throw new TransferFailure($"status {answer.Status}");
        }

        var before = Stty("-g");
        try
        {
            if (before is not null)
                Stty("raw", "-echo");
            // It ends with the process when the server ends first.
            new Thread(() => SendTyped(surroundings.Input, connection)) { IsBackground = true }.Start();
            var piece = new byte[64 * 1024];
            for (int count; (count = Receive(answer, piece)) > 0;)
                terminal.Write(piece.AsSpan(0, count));
        }
        finally
        {
            if (before is not null)
            {
                Stty(before);
                terminal.Print("\r");
            }
        }
    }

    private static void SendTyped(Stream input, Connection connection)
    {
        try
        {
            var piece = new byte[4096];
            while (input.Read(piece) is var count and > 0)
            {
                var end = piece.AsSpan(0, count).IndexOf(Escape);
                connection.Stream.Write(piece.AsSpan(0, end < 0 ? count : end));
                connection.Stream.Flush();
                if (end >= 0)
                {
                    // The reader sees the end.
                    connection.Dispose();
                    return;
                }
            }

            connection.FinishSending();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The server ended first.
        }
    }

    private static int Receive(HttpAnswer answer, byte[] piece)
    {
        try
        {
            return answer.Read(piece);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }

    /// <summary>What stty prints; null when standard input is no terminal.</summary>
    private static string? Stty(params string[] arguments)
    {
        if (Console.IsInputRedirected)
            return null;
        var start = new ProcessStartInfo("stty", arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var printed = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? printed : null;
    }
}
