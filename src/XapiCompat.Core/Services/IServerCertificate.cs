using System.Security.Cryptography.X509Certificates;

namespace XapiCompat.Core.Services;

/// <summary>The certificate that the server shows to its clients. A change holds for connections made afterwards.</summary>
public interface IServerCertificate
{
    /// <summary>The certificate alone, without key and chain, as PEM.</summary>
    string Pem { get; }

    /// <summary>Puts a new self-signed certificate in place.</summary>
    X509Certificate2 Reset();

    /// <summary>Puts a certificate with its key (and the chain behind it, PEM or empty) in place; all were checked before.</summary>
    X509Certificate2 Install(string certificate, string privateKey, string chain);
}
