using System.Net;
using System.Net.Sockets;
using XapiCompat.Core.Seed;
using XapiCompat.Store;

namespace XapiCompat.Server;

/// <summary>
/// Where the hosts of a pool are reached. Clients know hosts by address and keep the port, so every host has an address of
/// its own and all share the ports. On loopback these follow each other (127.0.0.1, 127.0.0.2, …); elsewhere they are given.
/// </summary>
internal static class PoolAddresses
{
    private const int Attempts = 50;

    /// <summary>Addresses for at least <paramref name="count"/> hosts, the one of the listener first.</summary>
    public static IReadOnlyList<string> Of(ServerOptions options, int count)
    {
        var first = (options.Https ?? options.Http)?.Address ?? IPAddress.Loopback;
        if (options.MemberAddresses.Count > 0 && options.MemberAddresses.Count < count - 1)
            throw new StartFailure("a pool of " + count + " hosts needs " + (count - 1) + " addresses in --member-addresses, not " + options.MemberAddresses.Count);
        if (options.MemberAddresses.Count > 0)
            return [Reachable(first), .. options.MemberAddresses.Select(a => a.ToString())];
        if (IPAddress.IsLoopback(first) && first.AddressFamily == AddressFamily.InterNetwork)
            return [.. Enumerable.Range(0, Math.Max(count, SeedOptions.MaxHosts)).Select(i => After(first, i).ToString())];
        return count <= 1
            ? [Reachable(first)]
            : throw new StartFailure("a pool of " + count + " hosts needs --member-addresses with " + (count - 1) + " addresses, because the listener is not on 127.0.0.x");
    }

    /// <summary>Addresses of all hosts of a pool.</summary>
    public static List<string> OfHosts(RecordStore store) =>
        [.. store.Current.All(store.Model.Class("host")).Select(h => h.Text("address")).Order(StringComparer.Ordinal)];

    /// <summary>Uuids and addresses of all hosts but the master.</summary>
    public static List<(string Uuid, string Address)> OfMembers(RecordStore store)
    {
        var master = store.Current.All(store.Model.Class("pool")).First().Target("master");
        return [.. store.Current.All(store.Model.Class("host"))
            .Where(h => h.Reference != master)
            .Select(h => (h.Uuid, Address: h.Text("address")))
            .OrderBy(h => h.Address, StringComparer.Ordinal)];
    }

    /// <summary>
    /// The addresses to listen on for an endpoint: its own, and the members'. A listener for all addresses has them already.
    /// </summary>
    public static IEnumerable<IPEndPoint> Listeners(IPEndPoint endpoint, IEnumerable<string> hosts) =>
        endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any)
            ? [endpoint]
            : new[] { endpoint }.Concat(hosts.Select(h => new IPEndPoint(IPAddress.Parse(h), endpoint.Port))).Distinct();

    /// <summary>An endpoint whose port is known before it is bound, free at all addresses; unchanged when it has one or stands alone.</summary>
    public static IPEndPoint? WithPort(IPEndPoint? endpoint, IReadOnlyList<string> hosts)
    {
        if (endpoint is not { Port: 0 } || hosts.Count < 2)
            return endpoint;
        for (var i = 0; i < Attempts; i++)
        {
            var candidate = new IPEndPoint(endpoint.Address, FreePort(endpoint.Address));
            if (Listeners(candidate, hosts).All(IsFree))
                return candidate;
        }

        throw new StartFailure("no port is free at all of " + string.Join(' ', hosts));
    }

    /// <summary>Clients connect to host.address for transfers, so it is where they reach this listener.</summary>
    private static string Reachable(IPAddress address)
    {
        if (!address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
            return address.ToString();
        foreach (var candidate in Dns.GetHostAddresses(Dns.GetHostName()))
        {
            if (candidate.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(candidate))
                return candidate.ToString();
        }

        return IPAddress.Loopback.ToString();
    }

    private static IPAddress After(IPAddress first, int steps)
    {
        var bytes = first.GetAddressBytes();
        for (var i = 0; i < steps; i++)
        {
            for (var at = bytes.Length - 1; at > 0 && ++bytes[at] == 0; at--)
            {
            }
        }

        return new IPAddress(bytes);
    }

    private static int FreePort(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static bool IsFree(IPEndPoint endpoint)
    {
        try
        {
            using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(endpoint);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
