using System.Buffers;
using System.Globalization;
using System.Text;

namespace XapiCompat.Server.Connections;

/// <summary>Answers <c>POST /cli</c> while the dialogue of the command-line client is not built: 501, then the end.</summary>
internal static class CliRefusal
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(RawRequest request)
    {
        var body = "The command-line protocol is not available on this server.\n"u8;
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\n\r\n");
        var output = request.Output;
        Encoding.ASCII.GetBytes(head, output);
        output.Write(body);
        await output.FlushAsync(request.Stopping);
        await new InputDrain(request.Input, TimeProvider.System).RunAsync(Quiet);
    }
}
