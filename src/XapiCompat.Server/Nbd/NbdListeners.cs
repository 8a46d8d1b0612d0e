using System.Net;
using System.Net.Sockets;
using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Server.Nbd;

/// <summary>Where the NBD server listens, by the options.</summary>
internal static class NbdListeners
{
    /// <summary>Starts the listener and tells the API where it is; null when it is off.</summary>
    /// <param name="hosts">Addresses of the pool's hosts. Where the NBD server is at one of them, it is at all of them.</param>
    public static NbdListener? Start(
        ServerOptions options, IReadOnlyList<string> hosts, ApiServices api, RecordStore store, StorageHost storage, ServerCertificateFile certificate, TimeProvider clock, ServerLog log)
    {
        if (options.Nbd is not { } wanted)
            return null;
        var everyHost = wanted.Address.Equals(IPAddress.Any) || wanted.Address.Equals(IPAddress.IPv6Any) || hosts.Contains(wanted.Address.ToString());
        var services = new NbdServices(store, api.Transfers, api.LiveExports, storage);
        var listener = Listen(wanted) ?? (options.NbdPortMayDiffer ? Listen(new(wanted.Address, 0)) : null)
            ?? throw new StartFailure("cannot listen on " + wanted + " for NBD");
        api.NbdEndpoint.Set(everyHost ? null : wanted.Address.ToString(), listener.Endpoint.Port);
        return listener;

        NbdListener? Listen(IPEndPoint endpoint)
        {
            try
            {
                var addresses = everyHost ? PoolAddresses.Listeners(PoolAddresses.WithPort(endpoint, hosts)!, hosts) : [endpoint];
                return NbdListener.Start(addresses, services, () => certificate.Current, clock, log);
            }
            catch (SocketException)
            {
                return null;
            }
        }
    }
}
