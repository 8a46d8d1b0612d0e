using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace XapiCompat.Xe.Tests.Support;

internal static class Certificates
{
    /// <summary>A certificate that signed itself, as servers have it.</summary>
    public static X509Certificate2 Of(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
