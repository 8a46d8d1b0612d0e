using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Testing;

/// <summary>A request that the server answered with an error.</summary>
public sealed class NbdFailure(NbdError error) : Exception(error.ToString())
{
    public NbdError Error { get; } = error;
}
