using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace XapiCompat.Server;

/// <summary>The self-signed RSA certificate, made at the first start; xe accepts RSA only.</summary>
internal static class ServerCertificate
{
    public static X509Certificate2 LoadOrCreate(string path, string hostName, DateTimeOffset now)
    {
        if (!File.Exists(path))
            Create(path, hostName, now);
        try
        {
            return X509Certificate2.CreateFromPemFile(path, path);
        }
        catch (CryptographicException e)
        {
            throw new StartFailure("the certificate cannot be read: " + path + ": " + e.Message);
        }
    }

    /// <summary>A new self-signed certificate in place of what is there.</summary>
    public static void Create(string path, string hostName, DateTimeOffset now)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=" + hostName, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(hostName);
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));

        Write(path, [certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()]);
    }

    /// <summary>Written aside and renamed: an interrupted write leaves no half key behind. Only the owner may read.</summary>
    public static void Write(string path, IEnumerable<string> parts)
    {
        var draft = path + ".new";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        using (var writer = new StreamWriter(file))
        {
            foreach (var part in parts)
                writer.WriteLine(part);
        }

        File.Move(draft, path, overwrite: true);
    }
}
