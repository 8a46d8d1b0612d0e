using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FluentAssertions;
using Xunit;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Tests.Support;

namespace XapiCompat.Xe.Tests;

/// <summary>Conversations and transfers over TLS. Only 127.0.0.1 is never asked over TLS; localhost is.</summary>
public sealed class TlsTests : IDisposable
{
    private static readonly X509Certificate2 Certificate = Certificates.Of("localhost");

    private readonly XeProcess _xe = new();

    public void Dispose() => _xe.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_command_runs_and_its_files_travel_over_tls(SslProtocols protocol)
    {
        using var server = new ScriptedServer(Certificate, protocol);
        var content = RandomNumberGenerator.GetBytes(1_000_000);
        File.WriteAllBytes(_xe.File_("in"), content);
        var code = await _xe.Run(["x", "a=in", "b=out", "-s", "localhost", "-p", $"{server.Port}"], () =>
        {
            using var peer = server.AcceptGreeted(out var request);
            request.Should().EndWith("x\na=in\nb=out\nusername=root\npassword=null");
            peer.Send(new XeMessage.HttpPut("in", "/put"));
            using (var put = server.Accept())
            {
                put.ReadRequest().Should().StartWith("PUT /put HTTP/1.0\r\n");
                put.Send("HTTP/1.1 200 OK\r\n\r\n");
                put.ReadToEnd().Should().Equal(content);
            }

            peer.Read().Should().Be(new XeMessage.Ok());
            peer.Send(new XeMessage.HttpGet("out", "/get"));
            using (var get = server.Accept())
            {
                get.ReadRequest().Should().StartWith("GET /get HTTP/1.0\r\n");
                get.Send("HTTP/1.1 200 OK\r\n\r\n");
                get.Send(content);
            }

            peer.Read().Should().Be(new XeMessage.Ok());
            peer.Send(new XeMessage.Print("done"), new XeMessage.Exit(0));
        });
        code.Should().Be(0);
        _xe.Output.Should().Be("done\n");
        File.ReadAllBytes(_xe.File_("out")).Should().Equal(content);
    }

    [Fact]
    public async Task A_trusted_certificate_of_the_right_name_passes_verification()
    {
        using var server = new ScriptedServer(Certificate);
        File.WriteAllText(_xe.File_("ca.pem"), Certificate.ExportCertificatePem());
        var code = await _xe.Run(["x", "-s", "localhost", "-p", $"{server.Port}", "--cacert", "ca.pem"], () =>
        {
            using var peer = server.AcceptGreeted();
            peer.Send(new XeMessage.Exit(5));
        });
        code.Should().Be(5);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_fails_verification()
    {
        using var server = new ScriptedServer(Certificate);
        (await Refused(server, "--verify")).Should().Be(1);
        _xe.Error.Should().StartWith("Error: the certificate of localhost is not trusted: ");
    }

    [Fact]
    public async Task A_certificate_for_another_name_fails_verification()
    {
        using var other = Certificates.Of("elsewhere");
        using var server = new ScriptedServer(other);
        File.WriteAllText(_xe.File_("ca.pem"), other.ExportCertificatePem());
        (await Refused(server, "--cacert", "ca.pem")).Should().Be(1);
        _xe.Error.Should().Contain("it is for another name");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("no certificate")]
    public void A_file_of_trusted_certificates_has_to_have_some(string? content)
    {
        if (content is not null)
            File.WriteAllText(_xe.File_("ca.pem"), content);
        _xe.Run("x", "-s", "localhost", "-p", "1", "--cacert", "ca.pem").Should().Be(1);
        _xe.Error.Should().Contain("ca.pem");
    }

    [Fact]
    public async Task A_server_without_tls_is_not_reached_over_tls()
    {
        using var server = new ScriptedServer();
        var code = await _xe.Run(["x", "-s", "localhost", "-p", $"{server.Port}"], () =>
        {
            using var peer = server.Accept();
            peer.Send("no TLS here, sorry\r\n");
        });
        code.Should().Be(1);
        _xe.Error.Should().StartWith("Unable to contact server. Please check server and port settings.\n");
    }

    [Fact]
    public async Task Without_tls_any_name_is_asked_in_the_clear()
    {
        using var server = new ScriptedServer();
        var code = await _xe.Run(["x", "-s", "localhost", "--nossl", "-p", $"{server.Port}"], () =>
        {
            using var peer = server.AcceptGreeted();
            peer.Send(new XeMessage.Exit(0));
        });
        code.Should().Be(0);
    }

    private Task<int> Refused(ScriptedServer server, params string[] options) => _xe.Run(["x", "-s", "localhost", "-p", $"{server.Port}", .. options], () =>
    {
        try
        {
            using var peer = server.Accept();
            peer.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            // That is how a refusal looks from here.
        }
    });
}
