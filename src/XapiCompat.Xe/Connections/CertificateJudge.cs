using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XapiCompat.Xe.Options;

namespace XapiCompat.Xe.Connections;

/// <summary>Takes any certificate, as xe always did, or with --verify only one that is trusted and of the right name.</summary>
internal sealed class CertificateJudge
{
    private readonly XeOptions _options;

    /// <exception cref="XeFailure">The file of trusted certificates cannot be read.</exception>
    public CertificateJudge(XeOptions options, Surroundings surroundings, string host)
    {
        _options = options;
        Host = host;
        Options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = Judge,
        };
        if (!options.Verify)
            Options.CertificateChainPolicy = Indifferent();
        else if (options.TrustedFile.Length > 0)
            Options.CertificateChainPolicy = Policy(options.TrustedFile, surroundings);
    }

    public string Host { get; }

    public SslClientAuthenticationOptions Options { get; }

    /// <summary>Why the last certificate was refused.</summary>
    public string? Objection { get; private set; }

    /// <summary>For a certificate that is taken anyway: no time goes into the machine's certificates, nor into downloads that it asks for.</summary>
    private static X509ChainPolicy Indifferent() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        VerificationFlags = X509VerificationFlags.AllFlags,
        DisableCertificateDownloads = true,
    };

    private static X509ChainPolicy Policy(string file, Surroundings surroundings)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(Path.Combine(surroundings.WorkingDirectory, file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new XeFailure($"Error: the trusted certificates '{file}' cannot be read: {error.Message}\n");
        }

        if (policy.CustomTrustStore.Count == 0)
            throw new XeFailure($"Error: '{file}' has no certificate\n");
        return policy;
    }

    private bool Judge(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (!_options.Verify || errors == SslPolicyErrors.None)
            return true;
        var reasons = new List<string>();
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            reasons.Add("it sent none");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            reasons.Add("it is for another name");
        foreach (var status in chain?.ChainStatus ?? [])
            reasons.Add(status.StatusInformation.Trim());
        Objection = string.Join("; ", reasons);
        return false;
    }
}
