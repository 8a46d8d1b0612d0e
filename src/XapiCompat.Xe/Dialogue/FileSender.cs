using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Transfers;

namespace XapiCompat.Xe.Dialogue;

/// <summary>Sends a file of the client as one blob.</summary>
internal static class FileSender
{
    private const int Most = 64 * 1024;

    public static void Send(ControlChannel channel, string path, string name)
    {
        Stream file;
        int length;
        try
        {
            file = LocalFiles.OpenForReading(path);
            if (!file.CanSeek)
                file = ReadWhole(file);
            length = checked((int)file.Length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or OverflowException)
        {
            channel.Send(new XeMessage.Failed());
            return;
        }

        using (file)
        {
            channel.Send(new XeMessage.Ok(), new XeMessage.Chunk(length));
            var buffer = new byte[Math.Min(Most, Math.Max(1, length))];
            for (var left = length; left > 0 && channel.IsOpen;)
            {
                var count = file.Read(buffer, 0, Math.Min(buffer.Length, left));
                // The length is promised, so a file that became shorter cannot be ended properly.
                if (count == 0)
                    throw new XeFailure($"Client Side error: Failed to upload file {name}.\n");
                channel.SendRaw(buffer.AsSpan(0, count));
                left -= count;
            }

            channel.Send(new XeMessage.End());
        }
    }

    private static MemoryStream ReadWhole(Stream pipe)
    {
        var whole = new MemoryStream();
        using (pipe)
            pipe.CopyTo(whole);
        whole.Position = 0;
        return whole;
    }
}
