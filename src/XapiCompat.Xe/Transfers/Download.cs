using XapiCompat.Xe.Connections;

namespace XapiCompat.Xe.Transfers;

/// <summary>Fetches what the server offers into a new file, or to standard output. How long it should be is the server's business.</summary>
internal static class Download
{
    private const int Piece = 256 * 1024;

    public static void Run(Connector connector, ServerUrl url, string? path, string name, Terminal terminal, Trace trace)
    {
        using var connection = connector.Open(url.Server);
        trace.Line($"Downloading from {url.Server} {url.Path}");
        var answer = HttpAnswer.Expect(connection, $"GET {url.Path} HTTP/1.0\r\n\r\n");
        var piece = new byte[Piece];
        if (path is null)
        {
            for (int count; (count = answer.Read(piece)) > 0;)
                terminal.Write(piece.AsSpan(0, count));
            return;
        }

        using var file = LocalFiles.Create(path, name);
        for (int count; (count = answer.Read(piece)) > 0;)
            Write(file, piece.AsSpan(0, count), name);
    }

    private static void Write(FileStream file, ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            file.Write(bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LocalFailure($"{name}: {error.Message}");
        }
    }
}
