using XapiCompat.Store;

namespace XapiCompat.Core.Exports;

/// <summary>Where clients reach the NBD server of a host.</summary>
public sealed class NbdEndpoint
{
    private volatile Place? _place;

    /// <summary>Told once the listener is bound.</summary>
    /// <param name="address">The one address, or null when each host is reached at its own.</param>
    public void Set(string? address, int port) => _place = new(address, port);

    /// <summary>Null when there is no NBD server.</summary>
    public (string Address, int Port)? Of(Record host) => _place is { } place ? (place.Address ?? host.Text("address"), place.Port) : null;

    private sealed record Place(string? Address, int Port);
}
