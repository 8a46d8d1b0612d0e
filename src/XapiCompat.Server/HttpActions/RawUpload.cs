using XapiCompat.Server.Connections;

namespace XapiCompat.Server.HttpActions;

/// <summary>Runs the usual handler for an upload whose body ends with the input of the connection.</summary>
internal sealed class RawUpload(HttpActionRouter router, TransferOptions options)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);

    public async Task RunAsync(RawRequest request)
    {
        using var lifetime = new RawLifetime(request);
        var response = new RawResponse(request.Output);
        var context = new DefaultHttpContext(RawFeatures.For(request, lifetime, response));
        await router.TryInvokeAsync(context);
        if (lifetime.Aborted)
            return;
        await response.CompleteAsync();

        // A close with unread input is a reset, and that overtakes the answer.
        if (!context.Items.ContainsKey(typeof(InputDrain)))
            await new InputDrain(request.Input, options.Time).RunAsync(Quiet);
    }
}
