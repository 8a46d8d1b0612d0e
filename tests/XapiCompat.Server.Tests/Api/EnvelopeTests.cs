using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Paths, headers and envelopes of RPC posts.</summary>
public sealed class EnvelopeTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string ListMethods = "<?xml version=\"1.0\"?><methodCall><methodName>system.listMethods</methodName><params/></methodCall>";

    [Theory]
    [InlineData("/")]
    [InlineData("/RPC2")]
    [InlineData("/xmlrpc")]
    [InlineData("/json")]
    [InlineData("/any/other/path")]
    [InlineData("/RPC2?and=a&query=string")]
    public async Task Every_other_path_takes_XML(string path)
    {
        var answer = await PlainHttp.PostAsync(server.Http, path, ListMethods);
        answer.Status.Should().Be(200);
        answer.ContentType.Should().Be("text/xml");
        answer.Text.Should().StartWith("<?xml version=\"1.0\"?><methodResponse><params><param><value><array><data><value>");
    }

    [Theory]
    [InlineData("/jsonrpc")]
    [InlineData("/jsonrpc/")]
    public async Task One_path_takes_JSON(string path)
    {
        var answer = await PlainHttp.PostAsync(server.Http, path, """{"method":"system.listMethods","id":"x","jsonrpc":"2.0"}""");
        answer.ContentType.Should().Be("application/json");
        JsonNode.Parse(answer.Text)!["result"]!.AsArray().Should().HaveCount(2258);
    }

    [Theory]
    [InlineData("/", ListMethods)]
    [InlineData("/jsonrpc", """{"method":"system.listMethods","params":null,"id":1}""")]
    public async Task Answers_carry_the_headers_of_a_real_host(string path, string body)
    {
        var answer = await PlainHttp.PostAsync(server.Http, path, body);
        var headers = answer.Message.Headers;
        headers.CacheControl!.NoCache.Should().BeTrue();
        headers.CacheControl.NoStore.Should().BeTrue();
        headers.GetValues("Access-Control-Allow-Origin").Should().Equal("*");
        headers.GetValues("Access-Control-Allow-Headers").Should().Equal("X-Requested-With");
        headers.Contains("Server").Should().BeFalse();
    }

    [Fact]
    public async Task A_short_answer_has_a_length_and_keeps_the_connection()
    {
        var client = await server.LoginAsync();
        var answer = await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall("pool.get_all", client.Session));
        answer.Message.Content.Headers.ContentLength.Should().Be(answer.Text.Length);
        answer.Message.Headers.ConnectionClose.Should().NotBe(true);
        answer.Message.Headers.TransferEncodingChunked.Should().NotBe(true);
    }

    [Fact]
    public async Task Success_and_failure_have_the_structs_of_a_real_host()
    {
        var client = await server.LoginAsync();
        var good = await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall("VM.get_by_name_label", client.Session, "nothing"));
        good.Text.Should().Be("<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>"
            + "<member><name>Value</name><value><array><data></data></array></value></member></struct></value></param></params></methodResponse>");
        var bad = await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall("VM.get_record", client.Session, "a&lt;b"));
        bad.Text.Should().Be("<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Failure</value></member>"
            + "<member><name>ErrorDescription</name><value><array><data><value>HANDLE_INVALID</value><value>VM</value><value>a&lt;b</value></data></array></value></member></struct></value></param></params></methodResponse>");
    }

    [Theory]
    [InlineData("""{"method":"VM.get_record","params":["nobody","x"],"id":7}""", """{"result":null,"error":["SESSION_INVALID","nobody"],"id":7}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"VM.get_record","params":["nobody","x"],"id":"a b"}""", """{"jsonrpc":"2.0","error":{"code":1,"message":"SESSION_INVALID","data":["nobody"]},"id":"a b"}""")]
    [InlineData("""{"id":3,"params":[],"method":"VM.nothing","jsonrpc":"2.0"}""", """{"jsonrpc":"2.0","error":{"code":1,"message":"MESSAGE_METHOD_UNKNOWN","data":["VM.nothing"]},"id":3}""")]
    [InlineData("""{"id":3,"method":"VM.nothing","params":{"a":1}}""", """{"result":null,"error":["SESSION_INVALID","{}"],"id":3}""")]
    public async Task JSON_failures_follow_the_version_of_the_call(string call, string expected)
    {
        var answer = await PlainHttp.PostAsync(server.Http, "/jsonrpc", call);
        if (expected.Contains("{}", StringComparison.Ordinal))
            JsonNode.Parse(answer.Text)!["error"]![0]!.GetValue<string>().Should().Be("SESSION_INVALID", "the object is the one argument");
        else
            answer.Text.Should().Be(expected);
    }

    [Fact]
    public async Task JSON_success_follows_the_version_of_the_call()
    {
        var client = await server.LoginAsync();
        var one = await PlainHttp.PostAsync(server.Http, "/jsonrpc", $$"""{"method":"VM.get_by_name_label","params":["{{client.Session}}","nothing"],"id":1}""");
        one.Text.Should().Be("""{"result":[],"error":null,"id":1}""");
        var two = await PlainHttp.PostAsync(server.Http, "/jsonrpc", $$"""{"jsonrpc":"2.0","method":"VM.get_by_name_label","params":["{{client.Session}}","nothing"],"id":1}""");
        two.Text.Should().Be("""{"jsonrpc":"2.0","result":[],"id":1}""");
    }

    [Fact]
    public async Task Whole_sessions_work_in_version_1()
    {
        var client = await XenClient.LoginAsync(new JsonWire(server.Http, version1: true));
        (await client.ListAsync("pool.get_all")).Should().HaveCount(1);
        (await client.ErrorAsync("VM.get_record", "x")).Should().Equal("HANDLE_INVALID", "VM", "x");
    }

    [Theory]
    [InlineData("/", "this is no XML")]
    [InlineData("/", "")]
    [InlineData("/", "<methodCall><methodName>x</methodName>")]
    [InlineData("/", "<other/>")]
    [InlineData("/", "<?xml version=\"1.0\"?><!DOCTYPE x><methodCall><methodName>system.listMethods</methodName><params/></methodCall>")]
    [InlineData("/jsonrpc", "this is no JSON")]
    [InlineData("/jsonrpc", "")]
    [InlineData("/jsonrpc", "[]")]
    [InlineData("/jsonrpc", "[{\"method\":\"system.listMethods\",\"params\":[],\"id\":1}]")]
    [InlineData("/jsonrpc", "{\"method\":\"system.listMethods\",\"params\":[]}")]
    [InlineData("/jsonrpc", "{\"method\":\"system.listMethods\",\"params\":[],\"id\":null}")]
    [InlineData("/jsonrpc", "{\"params\":[],\"id\":1}")]
    public async Task What_is_no_call_gets_a_page(string path, string body)
    {
        var answer = await PlainHttp.PostAsync(server.Http, path, body);
        answer.Status.Should().Be(500);
        answer.ContentType.Should().StartWith("text/html");
        answer.Text.Should().Contain("<html>");
        answer.Message.Headers.ConnectionClose.Should().BeTrue();
    }

    [Fact]
    public async Task Browsers_may_ask_before_they_post()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/jsonrpc");
        request.Headers.Add("Access-Control-Request-Headers", "content-type");
        using var answer = await server.Http.SendAsync(request);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        answer.Content.Headers.ContentLength.Should().Be(0);
        answer.Headers.GetValues("Access-Control-Allow-Origin").Should().Equal("*");
        answer.Headers.GetValues("Access-Control-Allow-Methods").Should().Equal("PUT");
        answer.Headers.GetValues("Access-Control-Allow-Headers").Should().Equal("content-type, X-Requested-With");
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_not_found() =>
        (await PlainHttp.SendAsync(server.Http, HttpMethod.Get, "/no/such/file")).Status.Should().Be(404);

    [Theory]
    [InlineData("HTTP/1.0", "", "HTTP/1.", "close")]
    [InlineData("HTTP/1.0", "Connection: keep-alive\r\n", "HTTP/1.", "keep-alive")]
    [InlineData("HTTP/1.1", "Host: x\r\nConnection: close\r\n", "HTTP/1.1 200", "close")]
    public async Task Old_and_closing_clients_get_their_way(string version, string headers, string status, string connection)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Port);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var stream = socket.GetStream();
        var body = PlainHttp.XmlCall("pool.get_all", "nobody");
        var call = "POST / " + version + "\r\n" + headers + "Content-Length: " + body.Length + "\r\n\r\n" + body;
        for (var round = 0; round < (connection == "close" ? 1 : 2); round++)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(call), cap.Token);
            var text = await ReadAnswerAsync(stream, cap.Token);
            text.Should().StartWith(status).And.Contain("SESSION_INVALID");
        }

        if (connection == "close")
            (await stream.ReadAsync(new byte[1], cap.Token)).Should().Be(0);
    }

    private static async Task<string> ReadAnswerAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains("</methodResponse>", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, cancellationToken);
            if (read == 0)
                break;
            text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        return text.ToString();
    }
}
