namespace XapiCompat.Server.HttpActions;

/// <summary>One HTTP handler beside the RPC endpoints.</summary>
internal interface IHttpAction
{
    string Method { get; }

    /// <summary>Serves this path and every path that starts with it; the longest prefix wins.</summary>
    string PathPrefix { get; }

    /// <summary>Name in xapi-spec/http_actions.json; the realm of a 401 and the permission that is asked for.</summary>
    string Action { get; }

    /// <summary>Answers the request. Throws only what ends the connection without an answer.</summary>
    Task InvokeAsync(HttpContext context);
}
