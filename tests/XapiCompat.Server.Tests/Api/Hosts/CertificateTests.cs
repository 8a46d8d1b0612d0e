using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Trusted certificates have a file and a record; the server's own is the one that clients meet.</summary>
public sealed class CertificateTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("pool.certificate_install", "pool.certificate_uninstall")]
    [InlineData("pool.install_ca_certificate", "pool.uninstall_ca_certificate")]
    [SeesEffectOf("pool.certificate_install", "pool.certificate_uninstall", "pool.install_ca_certificate", "pool.uninstall_ca_certificate", "pool.certificate_list", "host.certificate_list")]
    public async Task An_authority_is_installed_under_a_name(string install, string uninstall)
    {
        var (client, host, _) = await PrepareAsync();
        using var certificate = Make("authority");
        var pem = certificate.ExportCertificatePem();
        await client.CallAsync(install, "a.pem", pem);
        (await client.ListAsync("pool.certificate_list")).Should().Equal("a.pem");
        (await client.ListAsync("host.certificate_list", host)).Should().Equal("a.pem");
        var record = server.Host.Records.Current.All(server.Host.Records.Model.Class("Certificate")).Single(c => c.Text("name") == "a.pem");
        record.Text("type").Should().Be("ca");
        record.Text("fingerprint_sha256").Replace(":", "").Should().Be(Convert.ToHexString(certificate.GetCertHash(HashAlgorithmName.SHA256)));
        (await File.ReadAllTextAsync(Path.Combine(server.StatePath, "trust", "ca", "a.pem"))).Should().Be(pem);
        (await client.ErrorAsync(install, "a.pem", pem)).Should().Equal("CERTIFICATE_ALREADY_EXISTS", "a.pem");
        foreach (var name in (string[])["../a.pem", ".pem", "a", "a b.pem", ""])
            (await client.ErrorAsync(install, name, pem)).Should().Equal("CERTIFICATE_NAME_INVALID", name);
        (await client.ErrorAsync(install, "b.pem", "no certificate")).Should().Equal("CA_CERTIFICATE_INVALID");
        using var old = Make("old", -20, -10);
        (await client.ErrorAsync(install, "b.pem", old.ExportCertificatePem())).Should().HaveElementAt(0, "CA_CERTIFICATE_EXPIRED");
        using var early = Make("early", 10, 20);
        (await client.ErrorAsync(install, "b.pem", early.ExportCertificatePem())).Should().HaveElementAt(0, "CA_CERTIFICATE_NOT_VALID_YET");

        await client.CallAsync(uninstall, "a.pem");
        (await client.ListAsync("pool.certificate_list")).Should().BeEmpty();
        (await client.ErrorAsync(uninstall, "a.pem")).Should().Equal("CERTIFICATE_DOES_NOT_EXIST", "a.pem");
        (await client.ErrorAsync("pool.uninstall_ca_certificate", "a.pem", true)).Should().Equal("INVALID_VALUE", "certificate:name", "a.pem");
    }

    [Fact]
    [SeesEffectOf("host.install_ca_certificate", "host.uninstall_ca_certificate", "host.crl_install", "host.crl_uninstall", "host.crl_list")]
    [SeesEffectOf("pool.crl_install", "pool.crl_uninstall", "pool.crl_list")]
    public async Task Files_of_hosts_and_revocation_lists_come_and_go()
    {
        var (client, host, _) = await PrepareAsync();
        using var certificate = Make("host file");
        await client.CallAsync("host.install_ca_certificate", host, "h.pem", certificate.ExportCertificatePem());
        (await client.ListAsync("host.certificate_list", host)).Should().Contain("h.pem");
        (await client.ListAsync("pool.certificate_list")).Should().NotContain("h.pem", "the pool has no record of it");
        await client.CallAsync("host.uninstall_ca_certificate", host, "h.pem");
        (await client.ErrorAsync("host.uninstall_ca_certificate", host, "h.pem")).Should().Equal("CERTIFICATE_DOES_NOT_EXIST", "h.pem");
        await client.CallAsync("host.uninstall_ca_certificate", host, "h.pem", true);

        await client.CallAsync("pool.crl_install", "p.pem", "list");
        await client.CallAsync("host.crl_install", host, "q.pem", "list");
        (await client.ListAsync("pool.crl_list")).Should().Equal("p.pem", "q.pem");
        (await client.ListAsync("host.crl_list", host)).Should().Equal("p.pem", "q.pem");
        (await client.ErrorAsync("pool.crl_install", "p.pem", "list")).Should().Equal("CRL_ALREADY_EXISTS", "p.pem");
        (await client.ErrorAsync("pool.crl_install", "/p.pem", "list")).Should().Equal("CRL_NAME_INVALID", "/p.pem");
        await client.CallAsync("pool.crl_uninstall", "p.pem");
        await client.CallAsync("host.crl_uninstall", host, "q.pem");
        (await client.ListAsync("pool.crl_list")).Should().BeEmpty();
        (await client.ErrorAsync("pool.crl_uninstall", "p.pem")).Should().Equal("CRL_DOES_NOT_EXIST", "p.pem");
    }

    [Fact]
    [SeesEffectOf("pool.install_trusted_certificate", "pool.uninstall_trusted_certificate")]
    public async Task A_trusted_certificate_has_purposes()
    {
        var (client, host, pool) = await PrepareAsync();
        using var certificate = Make("pinned");
        var pem = certificate.ExportCertificatePem();
        (await client.ErrorAsync("pool.install_trusted_certificate", pool, false, pem, JsonArguments.Array([]))).Should().Equal("CERTIFICATE_LACKS_PURPOSE");
        await client.CallAsync("pool.install_trusted_certificate", pool, false, pem, JsonArguments.Array(["licensing"]));
        (await client.ErrorAsync("pool.install_trusted_certificate", pool, false, pem, JsonArguments.Array(["licensing", "ldaps"]))).Should().HaveElementAt(0, "TRUSTED_CERTIFICATE_ALREADY_EXISTS");
        await client.CallAsync("pool.install_trusted_certificate", pool, false, pem, JsonArguments.Array(["ldaps"]));
        var records = server.Host.Records.Current.All(server.Host.Records.Model.Class("Certificate")).Where(c => c.Text("type") == "pinned").ToList();
        records.SelectMany(r => r.Set("purpose")).Should().BeEquivalentTo("licensing", "ldaps");
        foreach (var record in records)
            await client.CallAsync("pool.uninstall_trusted_certificate", pool, record.Reference);
        (await client.ListAsync("Certificate.get_all")).Should().NotContain(records.Select(r => r.Reference));
        await client.CallAsync("host.reset_server_certificate", host);
        var own = (await client.ListAsync("host.get_certificates", host))[0];
        (await client.ErrorAsync("pool.uninstall_trusted_certificate", pool, own)).Should().Equal("NOT_TRUSTED_CERTIFICATE", own);
    }

    [Fact]
    [SeesEffectOf("host.get_server_certificate", "host.install_server_certificate", "host.reset_server_certificate", "host.refresh_server_certificate", "host.emergency_reset_server_certificate")]
    public async Task The_servers_own_certificate_is_shown_replaced_and_reset()
    {
        var (client, host, _) = await PrepareAsync();
        using var first = await ServedAsync(client, host);
        using var own = Make("own");
        var key = own.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem();
        await client.CallAsync("host.install_server_certificate", host, own.ExportCertificatePem(), key);
        using var second = await ServedAsync(client, host);
        second.Thumbprint.Should().Be(own.Thumbprint).And.NotBe(first.Thumbprint);
        var record = await client.RecordAsync("Certificate", (await client.ListAsync("host.get_certificates", host)).Single());
        record["type"]!.GetValue<string>().Should().Be("host");
        record["fingerprint_sha1"]!.GetValue<string>().Replace(":", "").Should().Be(own.Thumbprint);

        using var other = Make("other");
        (await client.ErrorAsync("host.install_server_certificate", host, other.ExportCertificatePem(), key)).Should().Equal("SERVER_CERTIFICATE_KEY_MISMATCH");
        (await client.ErrorAsync("host.install_server_certificate", host, "x", key)).Should().Equal("SERVER_CERTIFICATE_INVALID");
        (await client.ErrorAsync("host.install_server_certificate", host, own.ExportCertificatePem(), "x")).Should().Equal("SERVER_CERTIFICATE_KEY_INVALID");
        (await client.ErrorAsync("host.install_server_certificate", host, own.ExportCertificatePem(), key, "x")).Should().Equal("SERVER_CERTIFICATE_CHAIN_INVALID");

        var seen = new HashSet<string> { second.Thumbprint };
        await client.CallAsync("host.reset_server_certificate", host);
        seen.Add((await ServedAsync(client, host)).Thumbprint);
        await client.CallAsync("host.refresh_server_certificate", host);
        seen.Add((await ServedAsync(client, host)).Thumbprint);
        await client.CallAsync("host.emergency_reset_server_certificate");
        seen.Add((await ServedAsync(client, host)).Thumbprint);
        seen.Should().HaveCount(4);
    }

    private static async Task<X509Certificate2> ServedAsync(XenClient client, string host) =>
        X509Certificate2.CreateFromPem(await client.TextAsync("host.get_server_certificate", host));

    private static X509Certificate2 Make(string name, int from = -1, int to = 10)
    {
        var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(from), DateTimeOffset.UtcNow.AddDays(to));
    }

    private async Task<(XenClient Client, string Host, string Pool)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0], (await client.ListAsync("pool.get_all"))[0]);
    }
}
