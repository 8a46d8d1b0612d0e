using XapiCompat.Xe.Options;

namespace XapiCompat.Xe.Transfers;

/// <summary>Repeats a transfer where the server says that it is to be done.</summary>
internal static class Redirects
{
    private const int Most = 10;

    public static void Follow(ServerUrl url, XeOptions options, Action<ServerUrl> run)
    {
        for (var count = 0; count <= Most; count++)
        {
            try
            {
                run(url);
                return;
            }
            catch (Redirection elsewhere)
            {
                url = ServerUrl.Of(elsewhere.Location, options);
            }
        }

        throw new TransferFailure("too many redirects");
    }
}
