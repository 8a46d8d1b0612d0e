using System.IO.Pipelines;
using System.Text;

namespace XapiCompat.Server.Cli;

/// <summary>The command line: the body of the request, and the only part of it that has a length.</summary>
internal static class CliBody
{
    /// <summary>Whether something has come that nobody reads any more.</summary>
    public static bool IsUnread(PipeReader input)
    {
        try
        {
            if (!input.TryRead(out var result))
                return false;
            input.AdvanceTo(result.Buffer.Start);
            return !result.Buffer.IsEmpty;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Reads exactly <paramref name="length"/> bytes; null when the input ends before.</summary>
    public static async ValueTask<string?> ReadAsync(PipeReader input, int length, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellation);
            var buffer = result.Buffer;
            if (buffer.Length >= length)
            {
                var body = buffer.Slice(0, length);
                var text = Encoding.UTF8.GetString(body);
                input.AdvanceTo(body.End);
                return text;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted || result.IsCanceled)
                return null;
        }
    }
}
