using System.Globalization;
using System.Net;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Server.Connections;
using XapiCompat.Server.Rpc;
using XapiCompat.Values;
using XapiCompat.Wire.XeCli;
using XapiCompat.XeCli;

namespace XapiCompat.Server.Cli;

/// <summary>
/// <c>POST /cli</c>: the command line comes as the body of a request, and then both sides speak the thin-client protocol on the same
/// connection until the command has ended.
/// </summary>
/// <param name="interpreter">Made at the first command.</param>
internal sealed class CliEndpoint(Dispatcher dispatcher, PoolPlaces places, Func<XeInterpreter> interpreter, CallLog? calls, TimeProvider time, CliLimits limits)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private readonly Lazy<XeInterpreter> _interpreter = new(interpreter);

    public async Task RunAsync(RawRequest request)
    {
        if (await BeginAsync(request) is not ({ } body, { } peer))
            return;
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(request.Gone, request.Stopping);
        using var done = new CancellationTokenSource();
        var input = new CliInput(request.Input, time);
        var reading = ReadAsync(input, gone, done.Token);
        using (var terminal = new CliTerminal(request.Output, input, limits, peer.Minor >= XeGreeting.MinorWithWait, time, gone.Token))
        {
            try
            {
                var origin = Origin(request, gone.Token);
                var code = await _interpreter.Value.RunAsync(new(body, call => InvokeAsync(call, origin), origin.Trusted), terminal, gone.Token);
                await terminal.ExitAsync(code);
            }
            finally
            {
                await done.CancelAsync();
                await reading;
            }
        }

        // A close with unread input is a reset, which overtakes the last words.
        if (CliBody.IsUnread(request.Input))
            await new InputDrain(request.Input, time).RunAsync(Quiet);
    }

    /// <summary>The command line and the client's greeting; null when there is nothing to answer any more.</summary>
    private async Task<(string Body, XeGreeting? Peer)?> BeginAsync(RawRequest request)
    {
        if (request.Head.Header("Transfer-Encoding") is not null
            || !int.TryParse(request.Head.Header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            await CliRefusal.SendAsync(request, "411 Length Required", "A command line has a length.");
            return null;
        }

        if (length > limits.MaxBody)
        {
            await CliRefusal.SendAsync(request, "413 Content Too Large", "A command line has at most " + limits.MaxBody + " bytes.");
            return null;
        }

        using var late = new CancellationTokenSource(limits.Begin, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, request.Gone, request.Stopping);
        try
        {
            if (await CliBody.ReadAsync(request.Input, length, end.Token) is not { } body)
                return null;
            XeGreeting.Current.Write(request.Output);
            await request.Output.FlushAsync(end.Token);
            var peer = await XeFrameDecoder.ReadGreetingAsync(request.Input, end.Token);
            return peer?.Major == XeGreeting.Current.Major ? (body, peer) : null;
        }
        catch (XeFrameException)
        {
            return null;
        }
    }

    /// <summary>A client that leaves ends its command.</summary>
    private static async Task ReadAsync(CliInput input, CancellationTokenSource gone, CancellationToken done)
    {
        await input.RunAsync(done);
        if (!done.IsCancellationRequested)
            await gone.CancelAsync();
    }

    private CallOrigin Origin(RawRequest request, CancellationToken gone) => new(
        Address(request.Connection.RemoteEndPoint) ?? "",
        Trusted: LocalSocket.IsTrusted(request.Connection),
        Master: places.HasMembers ? places.MasterBehind(Address(request.Connection.LocalEndPoint)) : null,
        Disconnected: gone);

    private async ValueTask<RpcResult> InvokeAsync(RpcCall call, CallOrigin origin)
    {
        var result = await dispatcher.InvokeAsync(call, origin);
        if (calls is not null && result.Failure is null)
            calls.Note(call.Method);
        return result;
    }

    private static string? Address(EndPoint? endpoint) =>
        endpoint is IPEndPoint { Address: var address } ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : null;
}
