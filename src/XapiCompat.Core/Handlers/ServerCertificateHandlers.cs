using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>The server's own certificate. All hosts of the pool are this process, so they show the same one.</summary>
public sealed class ServerCertificateHandlers(RecordStore store, IServerCertificate server, IdSource ids, TimeProvider clock)
{
    private const int ShortestKey = 2048;

    [XenMessage("host.get_server_certificate")]
    public string Get(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        return server.Pem;
    }

    [XenMessage("host.install_server_certificate")]
    public void Install(CallContext context, Ref host, string certificate, string privateKey, string chain)
    {
        store.Current.Get("host", host);
        Check(certificate, privateKey, chain);
        Note(host.Text, "host", server.Install(certificate, privateKey, chain));
    }

    [XenMessage("host.reset_server_certificate")]
    public void Reset(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        Note(host.Text, "host", server.Reset());
    }

    [XenMessage("host.emergency_reset_server_certificate")]
    public void EmergencyReset(CallContext context) => server.Reset().Dispose();

    /// <summary>The certificate between hosts; there is one for both uses here.</summary>
    [XenMessage("host.refresh_server_certificate")]
    public void Refresh(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        Note(host.Text, "host_internal", server.Reset());
    }

    /// <summary>Replaces the record of the host's certificate of that type.</summary>
    private void Note(string host, string type, X509Certificate2 certificate)
    {
        using (certificate)
        {
            var fields = CertificateText.Fields(certificate);
            store.Commit(unit =>
            {
                foreach (var old in unit.All(unit.Model.Class("Certificate")).Where(c => c.Target("host") == host && c.Text("type") == type).ToList())
                    unit.Delete(old.Reference);
                unit.Insert(unit.Model.Class("Certificate"), ids.NewReference(), [("uuid", ids.NewUuidText()), ("type", type), ("host", host), .. fields]);
            });
        }
    }

    private void Check(string pem, string privateKey, string chain)
    {
        using var key = RSA.Create();
        try
        {
            key.ImportFromPem(privateKey);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new XenException("SERVER_CERTIFICATE_KEY_INVALID");
        }

        if (key.KeySize < ShortestKey)
            throw new XenException("SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED", key.KeySize.ToString());
        using var certificate = CertificateText.Parse(pem, "SERVER_CERTIFICATE", clock.GetUtcNow());
        using var known = certificate.GetRSAPublicKey();
        if (known is null || !known.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            throw new XenException("SERVER_CERTIFICATE_KEY_MISMATCH");
        if (certificate.SignatureAlgorithm.FriendlyName?.StartsWith("sha1", StringComparison.OrdinalIgnoreCase) == true)
            throw new XenException("SERVER_CERTIFICATE_SIGNATURE_NOT_SUPPORTED");
        if (chain.Length == 0)
            return;
        try
        {
            var links = new X509Certificate2Collection();
            links.ImportFromPem(chain);
            if (links.Count == 0)
                throw new CryptographicException();
        }
        catch (CryptographicException)
        {
            throw new XenException("SERVER_CERTIFICATE_CHAIN_INVALID");
        }
    }
}
