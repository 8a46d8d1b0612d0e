using System.Security.Cryptography.X509Certificates;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Exports;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Where a disk can be read over NBD.</summary>
public sealed class NbdInfoHandlers(RecordStore store, NbdEndpoint endpoint, IServerCertificate certificate)
{
    private static readonly string[] Names = ["exportname", "address", "port", "cert", "subject"];

    /// <summary>
    /// One entry for each host that sees the disk and has an interface in a network for NBD, with the address at which the
    /// server really listens there. The name holds the caller's session, which is all that the NBD server asks for.
    /// </summary>
    [XenMessage("VDI.get_nbd_info")]
    public XenArray Get(CallContext context, Ref self)
    {
        var current = store.Current;
        var vdi = current.Get("VDI", self).RequireData();
        var hosts = current.Get("SR", vdi.Target("SR")).Set("PBDs").Select(current.Find).OfType<Record>()
            .Where(p => p.Flag("currently_attached")).Select(p => current.Find(p.Target("host"))).OfType<Record>()
            .Where(IsInNetwork).DistinctBy(h => h.Reference).ToList();
        if (hosts.Count == 0)
            return XenArray.Empty;
        var pem = certificate.Pem;
        var subject = SubjectOf(pem);
        return new([.. hosts.Select(h => (Host: h, Place: endpoint.Of(h))).Where(h => h.Place is not null).Select(h => new XenStruct(
            Names,
            [
                $"/{vdi.Uuid}?session_id={context.Session}",
                h.Place!.Value.Address,
                (long)h.Place.Value.Port,
                pem,
                subject ?? h.Host.Text("hostname"),
            ]))]);
    }

    private bool IsInNetwork(Record host) => host.Set("PIFs").Select(store.Current.Find).OfType<Record>().Any(p =>
        p.Flag("currently_attached")
        && (p.Text("IP").Length > 0 || p.Set("IPv6").Any(a => a.Length > 0))
        && store.Current.Find(p.Target("network")) is { } network && NbdPurposes.Has(network));

    /// <summary>A host name that the certificate is for.</summary>
    private static string? SubjectOf(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false) is { Length: > 0 } name ? name : null;
    }
}
