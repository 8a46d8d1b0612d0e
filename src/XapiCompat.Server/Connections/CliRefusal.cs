using System.Globalization;
using System.Text;

namespace XapiCompat.Server.Connections;

/// <summary>Answers <c>POST /cli</c> in HTTP, where the dialogue cannot begin: the client then reports an error of the server.</summary>
internal static class CliRefusal
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    /// <param name="status">Code and words of the status line.</param>
    public static async Task SendAsync(RawRequest request, string status, string text)
    {
        var body = text + "\n";
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n");
        var output = request.Output;
        Encoding.ASCII.GetBytes(head, output);
        Encoding.UTF8.GetBytes(body, output);
        await output.FlushAsync(request.Stopping);
        await new InputDrain(request.Input, TimeProvider.System).RunAsync(Quiet);
    }
}
