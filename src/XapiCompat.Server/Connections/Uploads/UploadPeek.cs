using System.Net.Sockets;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>Whether a clear connection begins with a request that uploads a disk.</summary>
internal static class UploadPeek
{
    private static ReadOnlySpan<byte> Beginning => "PUT /import_raw_vdi"u8;

    /// <summary>Looks at what has come, without taking it; a beginning that has not come whole is none.</summary>
    public static bool BeginsUpload(Socket socket)
    {
        if (socket.Available < Beginning.Length)
            return false;
        Span<byte> seen = stackalloc byte[Beginning.Length];
        var count = socket.Receive(seen, SocketFlags.Peek, out var error);
        return error == SocketError.Success && seen[..count].SequenceEqual(Beginning);
    }
}
