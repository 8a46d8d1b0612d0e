using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Certificates as clients send them (PEM text) and as records show them.</summary>
public static class CertificateText
{
    /// <summary>
    /// Reads a certificate that is valid now; otherwise the error is one of <paramref name="prefix"/> followed by
    /// <c>_INVALID</c>, <c>_NOT_VALID_YET</c> or <c>_EXPIRED</c>.
    /// </summary>
    public static X509Certificate2 Parse(string pem, string prefix, DateTimeOffset now)
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            throw new XenException(prefix + "_INVALID");
        }

        var (from, to) = Validity(certificate);
        if (now >= from && now <= to)
            return certificate;
        certificate.Dispose();
        throw now < from
            ? new XenException(prefix + "_NOT_VALID_YET", XenDate.Format(now).Text, XenDate.Format(from).Text)
            : new XenException(prefix + "_EXPIRED", XenDate.Format(now).Text, XenDate.Format(to).Text);
    }

    /// <summary>Fields of a Certificate record.</summary>
    public static IEnumerable<(string Field, XenValue Value)> Fields(X509Certificate2 certificate)
    {
        var (from, to) = Validity(certificate);
        var sha256 = Fingerprint(certificate, HashAlgorithmName.SHA256);
        return
        [
            ("not_before", XenDate.Format(from)),
            ("not_after", XenDate.Format(to)),
            ("fingerprint", sha256),
            ("fingerprint_sha256", sha256),
            ("fingerprint_sha1", Fingerprint(certificate, HashAlgorithmName.SHA1)),
        ];
    }

    private static (DateTimeOffset From, DateTimeOffset To) Validity(X509Certificate2 certificate) =>
        (new(certificate.NotBefore.ToUniversalTime()), new(certificate.NotAfter.ToUniversalTime()));

    private static string Fingerprint(X509Certificate2 certificate, HashAlgorithmName hash) =>
        string.Join(':', certificate.GetCertHash(hash).Select(b => b.ToString("X2")));
}
