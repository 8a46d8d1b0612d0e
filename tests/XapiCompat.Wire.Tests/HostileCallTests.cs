using System.Text;
using FluentAssertions;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Wire.Tests;

public sealed class HostileCallTests
{
    private const string XmlHead = "<methodCall><methodName>session.x</methodName><params>";
    private const string XmlTail = "</params></methodCall>";
    private const string JsonHead = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"session.x\",\"params\":";
    private const int Piece = 16 * 1024;

    /// <summary>As before a login: nothing raises the first limit.</summary>
    private static RpcReadLimits BeforeLogin { get; } = new() { AllowedBytes = (_, _) => 1 << 20 };

    public static TheoryData<string, string, string, RpcReadError> Million => new()
    {
        { XmlHead + "<param><value>", "<array><data><value>", "", RpcReadError.TooDeep },
        { XmlHead + "<param><value>", "<struct><member><name>a</name><value>", "", RpcReadError.TooDeep },
        { XmlHead + "<param><value>", "<a>", "", RpcReadError.Malformed },
        { "", "<methodCall>", "", RpcReadError.Malformed },
        { XmlHead + "<param><value><struct>", "<member><name>k</name><value/></member>", "</struct></value></param>" + XmlTail, RpcReadError.TooManyNodes },
        { XmlHead + "<param><value><array><data>", "<value><nil/></value>", "</data></array></value></param>" + XmlTail, RpcReadError.TooManyNodes },
        { XmlHead + "<param><value/></param>", "<param><value/></param>", XmlTail, RpcReadError.TooManyNodes },
        { JsonHead + "[", "[", "", RpcReadError.TooDeep },
        { JsonHead + "[", "{\"a\":", "", RpcReadError.TooDeep },
        { JsonHead, "{\"a\":", "", RpcReadError.TooDeep },
        { "{\"other\":", "[", "", RpcReadError.TooDeep },
        { "{\"other\":", "{\"a\":", "", RpcReadError.TooDeep },
        { "[", "[", "", RpcReadError.Malformed },
        { JsonHead + "[{\"a\":0", ",\"a\":0", "}]}", RpcReadError.TooManyNodes },
        { JsonHead + "[0", ",0", "]}", RpcReadError.TooManyNodes },
        { "{\"other\":[0", ",0", "]}", RpcReadError.TooManyNodes },
    };

    public static TheoryData<string> DocumentTypes => new()
    {
        "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;\">",
        "<!DOCTYPE a [<!ENTITY a \"",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1/evil.dtd\"> %p;",
        "<!ENTITY lol \"lol\">",
    };

    [Theory]
    [MemberData(nameof(Million))]
    public async Task A_million_of_anything_is_refused_and_not_held(string head, string repeated, string tail, RpcReadError error)
    {
        var codec = head.StartsWith('<') || repeated.StartsWith('<') ? Calls.Xml : Calls.Json;
        var input = new EndlessReader(head, repeated, 1_000_000, tail);
        await Refused(codec, input, Limits(64 << 20), error);
        input.MostHeld.Should().BeLessThan(2 * Piece);
        if (error is RpcReadError.TooDeep or RpcReadError.Malformed)
            input.Given.Should().BeLessThan(2 * Piece);

        var beforeLogin = new EndlessReader(head, repeated, 1_000_000, tail);
        var reading = async () => await codec.ReadAsync(beforeLogin, BeforeLogin, default);
        await reading.Should().ThrowAsync<RpcReadException>();
        beforeLogin.Given.Should().BeLessThan((1 << 20) + (2 * Piece));
    }

    [Theory]
    [InlineData(XmlHead + "<param><value>", "</value></param>" + XmlTail)]
    [InlineData(XmlHead + "<param><value><base64>", "</base64></value></param>" + XmlTail)]
    [InlineData(XmlHead + "<param><value><struct><member><name>", "")]
    [InlineData("<methodCall><methodName>", "</methodName></methodCall>")]
    [InlineData("<methodCall><!--", "--></methodCall>")]
    [InlineData("<?", "?><methodCall/>")]
    [InlineData("<methodCall a='", "'/>")]
    [InlineData(JsonHead + "[\"", "\"]}")]
    [InlineData("{\"method\":\"", "\"}")]
    [InlineData("{\"", "\":0}")]
    [InlineData("{\"params\":[\"", "\"],\"method\":\"m\",\"id\":0}")]
    [InlineData("{\"id\":\"", "\"}")]
    public async Task A_hundred_megabytes_before_login_are_refused_soon_after_the_limit(string head, string tail)
    {
        var codec = head.StartsWith('<') ? Calls.Xml : Calls.Json;
        var input = new EndlessReader(head, "x", 100_000_000, tail);
        await Refused(codec, input, BeforeLogin, RpcReadError.TooLarge);
        input.Given.Should().BeLessThan((1 << 20) + (2 * Piece));
        // JSON strings wait in the reader until they are whole, XML text does not.
        input.MostHeld.Should().BeLessThan(codec == Calls.Xml ? 2 * Piece : (1 << 20) + (2 * Piece));
    }

    [Theory]
    [InlineData("                ")]
    [InlineData("\n\t")]
    public async Task White_space_counts(string blank)
    {
        await Refused(Calls.Xml, new EndlessReader("", blank, 10_000_000, "<methodCall/>"), BeforeLogin, RpcReadError.TooLarge);
        await Refused(Calls.Json, new EndlessReader("", blank, 10_000_000, "{}"), BeforeLogin, RpcReadError.TooLarge);
    }

    [Theory]
    [MemberData(nameof(DocumentTypes))]
    public async Task Document_types_and_entities_are_refused_at_their_first_letter(string start)
    {
        var input = new EndlessReader(start, "x", 100_000, "\">]><methodCall/>", pieceLength: 1);
        await Refused(Calls.Xml, input, BeforeLogin, RpcReadError.Dtd);
        input.Given.Should().Be(start.IndexOf("<!", StringComparison.Ordinal) + 3);
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public async Task Sixty_four_levels_are_allowed(int depth, bool allowed)
    {
        var xml = string.Concat(Enumerable.Repeat("<value><array><data>", depth)) + string.Concat(Enumerable.Repeat("</data></array></value>", depth));
        var json = new string('[', depth) + new string(']', depth);
        foreach (var (codec, document) in new[] { (Calls.Xml, Calls.XmlCall(xml)), (Calls.Json, Calls.JsonCall(json)) })
        {
            var reading = () => Calls.Read(codec, document);
            if (allowed)
                await reading.Should().NotThrowAsync();
            else
                (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.TooDeep);
        }
    }

    [Fact]
    public async Task Text_that_is_not_UTF8_is_named_and_can_be_answered()
    {
        byte[] bad = [.. "a"u8, 0xC3, 0x28, 0xF0, 0x9F, .. "z"u8];
        foreach (var (codec, document) in new[] { (Calls.Xml, Calls.XmlCall("<value>@</value>")), (Calls.Json, Calls.JsonCall("\"@\"")) })
        {
            var reading = () => Calls.Read(codec, With(document, bad));
            var error = (await reading.Should().ThrowAsync<RpcReadException>()).Which;
            error.Error.Should().Be(RpcReadError.NotUtf8);
            error.OffendingText.Should().Be("a\uFFFD(\uFFFDz");
            var answer = await Calls.Answer(codec, error.AnswerAs!, RpcResult.Fail(new XenFailure("INVALID_VALUE", "text", error.OffendingText!)));
            answer.Should().Contain("INVALID_VALUE");
            if (codec == Calls.Json)
                answer.Should().Be("{\"jsonrpc\":\"2.0\",\"error\":[\"INVALID_VALUE\",\"text\",\"a\uFFFD(\uFFFDz\"],\"id\":0}");
        }
    }

    [Theory]
    [InlineData("<methodCall><methodName>@</methodName><params/></methodCall>")]
    [InlineData(XmlHead + "<param><value><struct><member><name>@</name><value/></member></struct></value></param>" + XmlTail)]
    [InlineData(XmlHead + "<param><value><dateTime.iso8601>@</dateTime.iso8601></value></param>" + XmlTail)]
    [InlineData("{\"method\":\"@\",\"id\":0}")]
    [InlineData("{\"method\":\"m\",\"id\":\"@\"}")]
    [InlineData("{\"method\":\"m\",\"id\":0,\"params\":[{\"@\":1}]}")]
    [InlineData("{\"method\":\"m\",\"id\":0,\"params\":[\"\\n@\"]}")]
    public async Task Broken_UTF8_is_found_in_every_text(string document)
    {
        foreach (byte[] bad in new byte[][] { [0x80], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82] })
        {
            var bytes = With(document, bad);
            var reading = () => Calls.Read(document[0] == '<' ? Calls.Xml : Calls.Json, bytes);
            (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.NotUtf8);
        }
    }

    [Theory]
    [InlineData("{\"id\":0,\"method\":\"m\",\"params\":[\"a\\ud800b\"]}")]
    [InlineData("{\"id\":0,\"method\":\"m\",\"params\":[{\"a\\udc00b\":1}]}")]
    [InlineData("{\"id\":0,\"method\":\"m\\ud800\",\"params\":[]}")]
    [InlineData("{\"id\":0,\"method\":\"m\",\"params\\ud800\":[]}")]
    public async Task Half_an_escaped_surrogate_pair_is_not_UTF8(string document)
    {
        var reading = () => Calls.Read(Calls.Json, document);
        (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.NotUtf8);
    }

    [Fact]
    public async Task An_escaped_NUL_arrives_in_JSON_and_is_dropped_in_XML()
    {
        var value = await Calls.JsonArgument("\"a\\u0000b\"");
        value.Should().Be(XenValue.From("a\0b"));
        XmlRpcWriter.ValueText(value).Should().Be("<value>ab</value>");
    }

    private static RpcReadLimits Limits(long bytes) => new() { AllowedBytes = (_, _) => bytes, InitialBytes = bytes };

    private static byte[] With(string document, byte[] bad)
    {
        var at = document.IndexOf('@', StringComparison.Ordinal);
        return [.. Encoding.UTF8.GetBytes(document[..at]), .. bad, .. Encoding.UTF8.GetBytes(document[(at + 1)..])];
    }

    private static async Task Refused(IRpcCodec codec, EndlessReader input, RpcReadLimits limits, RpcReadError error)
    {
        var reading = async () => await codec.ReadAsync(input, limits, default);
        (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(error);
    }
}
