using System.Security.Cryptography.X509Certificates;
using XapiCompat.Core.Services;

namespace XapiCompat.Server;

/// <summary>The file of the server's certificate and what listeners show of it: connections made later show what was put in place.</summary>
internal sealed class ServerCertificateFile(string path, string hostName, TimeProvider clock) : IServerCertificate
{
    private readonly Lock _writer = new();
    private volatile X509Certificate2? _current;

    /// <summary>With its key; made at the first use. Connections under way keep the one that they began with.</summary>
    public X509Certificate2 Current
    {
        get
        {
            if (_current is { } current)
                return current;
            lock (_writer)
                return _current ??= ServerCertificate.LoadOrCreate(path, hostName, clock.GetUtcNow());
        }
    }

    public string Pem => Current.ExportCertificatePem() + "\n";

    public X509Certificate2 Reset()
    {
        lock (_writer)
        {
            ServerCertificate.Create(path, hostName, clock.GetUtcNow());
            return Reload();
        }
    }

    public X509Certificate2 Install(string certificate, string privateKey, string chain)
    {
        lock (_writer)
        {
            ServerCertificate.Write(path, [certificate, privateKey, chain]);
            return Reload();
        }
    }

    private X509Certificate2 Reload()
    {
        _current = ServerCertificate.LoadOrCreate(path, hostName, clock.GetUtcNow());
        return X509CertificateLoader.LoadCertificate(_current.RawData);
    }
}
