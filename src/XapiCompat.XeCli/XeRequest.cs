using XapiCompat.Values;

namespace XapiCompat.XeCli;

/// <summary>One command line that a client sent.</summary>
/// <param name="Body">Its arguments, a line each.</param>
/// <param name="Invoke">The API, as the client's connection may use it.</param>
/// <param name="Trusted">Name and password do not matter on this connection.</param>
public sealed record XeRequest(string Body, Func<RpcCall, ValueTask<RpcResult>> Invoke, bool Trusted);
