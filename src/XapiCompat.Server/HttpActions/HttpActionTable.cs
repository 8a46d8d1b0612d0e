using XapiCompat.Core.Laboratory;
using XapiCompat.Core.Transfers;
using XapiCompat.Server.Connections;

namespace XapiCompat.Server.HttpActions;

/// <summary>All HTTP handlers, and their way in for requests that HTTP cannot carry.</summary>
internal static class HttpActionTable
{
    public static HttpActionRouter Create(IDiskTransfers transfers, TransferOptions options, FaultPoints? points = null) =>
        new([new ExportRawVdi(transfers, options), new ImportRawVdi(transfers, options)], points);

    /// <summary>For <see cref="ConnectionLayer.UseXapiConnectionLayer"/>.</summary>
    public static RawRequestHandlers RawHandlers(HttpActionRouter router, TransferOptions options, RawRequestHandler cli) =>
        new(new RawUpload(router, options).RunAsync, router.UploadPaths, cli);
}
