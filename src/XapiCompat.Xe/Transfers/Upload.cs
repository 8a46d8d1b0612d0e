using XapiCompat.Xe.Connections;

namespace XapiCompat.Xe.Transfers;

/// <summary>
/// Sends a file to the server once it has said that it wants it. A regular file goes with its length; the end of anything
/// else, such as a pipe, is the end of the connection.
/// </summary>
internal static class Upload
{
    private const int Piece = 256 * 1024;

    public static void Run(Connector connector, ServerUrl url, string path, string name, Trace trace)
    {
        using var file = Open(path, name);
        long? length = file.CanSeek ? file.Length : null;
        using var connection = connector.Open(url.Server);
        trace.Line($"Uploading to {url.Server} {url.Path}");
        var field = length is { } known ? $"\r\nContent-length: {known}" : "";
        HttpAnswer.Expect(connection, $"PUT {url.Path} HTTP/1.0{field}\r\n\r\n");
        Copy(file, length ?? long.MaxValue, connection.Stream, name);
        if (length is { } promised && file.Position < promised)
            throw new LocalFailure($"{name}: it became shorter while it was sent");
        connection.FinishSending();
    }

    private static void Copy(FileStream file, long most, Stream target, string name)
    {
        var piece = new byte[Piece];
        for (var left = most; left > 0;)
        {
            var count = Read(file, piece.AsSpan(0, (int)Math.Min(piece.Length, left)), name);
            if (count == 0)
                break;
            target.Write(piece.AsSpan(0, count));
            left -= count;
        }

        target.Flush();
    }

    private static FileStream Open(string path, string name)
    {
        try
        {
            return LocalFiles.OpenForReading(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LocalFailure($"file '{name}' does not exist");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LocalFailure($"{name}: {LocalFiles.Words(error, path)}");
        }
    }

    private static int Read(FileStream file, Span<byte> piece, string name)
    {
        try
        {
            return file.Read(piece);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LocalFailure($"{name}: {error.Message}");
        }
    }
}
