using FluentAssertions;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Wire.Tests;

public sealed class EnvelopeTests
{
    private static readonly XenFailure HandleInvalid = new("HANDLE_INVALID", "VDI", "OpaqueRef:<x>");

    [Fact]
    public void Content_types_are_bare()
    {
        Calls.Xml.ContentType.Should().Be("text/xml");
        Calls.Json.ContentType.Should().Be("application/json");
    }

    [Fact]
    public async Task An_XML_failure_lists_code_and_parameters()
    {
        var answer = await Calls.Answer(Calls.Xml, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Fail(HandleInvalid));
        answer.Should().Be(
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Failure</value></member>"
            + "<member><name>ErrorDescription</name><value><array><data><value>HANDLE_INVALID</value><value>VDI</value>"
            + "<value>OpaqueRef:&lt;x&gt;</value></data></array></value></member></struct></value></param></params></methodResponse>");
    }

    [Fact]
    public async Task A_bare_XML_answer_has_no_status()
    {
        var request = Calls.Request(RpcProtocol.XmlRpc) with { BareAnswer = true };
        (await Calls.Answer(Calls.Xml, request, RpcResult.Success(XenArray.Of(["VM.start"])))).Should().Be(
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><array><data><value>VM.start</value></data></array></value>"
            + "</param></params></methodResponse>");
        (await Calls.Answer(Calls.Xml, request, RpcResult.Fail(HandleInvalid))).Should().Contain("<value>Failure</value>");
    }

    [Theory]
    [InlineData(RpcProtocol.JsonRpc10, "{\"result\":\"\",\"error\":null,\"id\":\"a\\u0062\"}")]
    [InlineData(RpcProtocol.JsonRpc20, "{\"jsonrpc\":\"2.0\",\"result\":\"\",\"id\":\"a\\u0062\"}")]
    public async Task A_JSON_success_has_the_form_of_its_version(RpcProtocol protocol, string expected) =>
        (await Calls.Answer(Calls.Json, Calls.Request(protocol, "\"a\\u0062\""), RpcResult.Success(XenValue.Void))).Should().Be(expected);

    [Theory]
    [InlineData(RpcProtocol.JsonRpc10, "{\"result\":null,\"error\":[\"HANDLE_INVALID\",\"VDI\",\"OpaqueRef:<x>\"],\"id\":7}")]
    [InlineData(
        RpcProtocol.JsonRpc20,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"HANDLE_INVALID\",\"data\":[\"VDI\",\"OpaqueRef:<x>\"]},\"id\":7}")]
    public async Task A_JSON_failure_has_the_form_of_its_version(RpcProtocol protocol, string expected) =>
        (await Calls.Answer(Calls.Json, Calls.Request(protocol, "7"), RpcResult.Fail(HandleInvalid))).Should().Be(expected);

    [Fact]
    public async Task An_XML_call_is_read()
    {
        var request = await Calls.Read(
            Calls.Xml,
            "\uFEFF<?xml version=\"1.0\" encoding='utf-8'?>\n<!-- a > b -- c -->\n<methodCall>\n <methodName> VDI.get_virtual_size </methodName>\n"
            + "<params>\n<param>\n<value><string>OpaqueRef:a</string></value></param> <param><value>b</value></param></params>\n</methodCall>\n<!-- end -->\n");
        request.Should().BeEquivalentTo(new { Protocol = RpcProtocol.XmlRpc, BareAnswer = false });
        request.Call.Method.Should().Be("VDI.get_virtual_size");
        request.Call.Arguments.Should().Equal(XenValue.From("OpaqueRef:a"), XenValue.From("b"));
    }

    [Theory]
    [InlineData("<methodCall><methodName>m</methodName><params></params></methodCall>")]
    [InlineData("<methodCall><methodName>m</methodName><params/></methodCall>")]
    [InlineData("<methodCall><methodName>m</methodName></methodCall>")]
    public async Task An_XML_call_may_have_no_parameters(string document)
    {
        var request = await Calls.Read(Calls.Xml, document);
        request.Call.Method.Should().Be("m");
        request.Call.Arguments.Should().BeEmpty();
    }

    [Theory]
    [InlineData("{\"method\":\"m\",\"params\":[1,\"a\"],\"id\":7}", RpcProtocol.JsonRpc10, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[1,\"a\"],\"id\":\"x\\u0079\\\"\"}", RpcProtocol.JsonRpc20, "\"x\\u0079\\\"\"")]
    [InlineData("{\"id\":-12345678901234567890123,\"params\":[1,\"a\"],\"jsonrpc\":\"2.0\",\"method\":\"m\"}", RpcProtocol.JsonRpc20, "-12345678901234567890123")]
    [InlineData(" { \"x\" : [ { \"method\" : 1 } , [ ] ] , \"params\":[1,\"a\"], \"y\":null, \"method\":\"\\u006d\",\"id\":0 } \n", RpcProtocol.JsonRpc10, "0")]
    public async Task A_JSON_call_is_read_in_any_member_order(string document, RpcProtocol protocol, string id)
    {
        var request = await Calls.Read(Calls.Json, document);
        request.Protocol.Should().Be(protocol);
        request.JsonId.Should().Be(id);
        request.Call.Method.Should().Be("m");
        request.Call.Arguments.Should().Equal(XenValue.From(1L), XenValue.From("a"));
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}", 0)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":null,\"id\":1}", 0)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[],\"id\":1}", 0)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[[],{}],\"id\":1}", 2)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"params\":{\"a\":{\"b\":[1]}},\"id\":1,\"method\":\"m\"}", 1)]
    public async Task JSON_params_take_all_their_forms(string document, int count) =>
        (await Calls.Read(Calls.Json, document)).Call.Arguments.Should().HaveCount(count);

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("[{\"method\":\"m\",\"params\":[],\"id\":1}]")]
    [InlineData("{\"method\":\"m\",\"params\":[]}")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":null}")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":1.5}")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":1e3}")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":[1]}")]
    [InlineData("{\"method\":\"m\",\"params\":\"a\",\"id\":1}")]
    [InlineData("{\"method\":1,\"params\":[],\"id\":1}")]
    [InlineData("{\"params\":[],\"id\":1}")]
    [InlineData("{\"jsonrpc\":\"3.0\",\"method\":\"m\",\"params\":[],\"id\":1}")]
    [InlineData("{\"method\":\"m\",\"method\":\"n\",\"params\":[],\"id\":1}")]
    [InlineData("{\"method\":\"m\",\"params\":[1,],\"id\":1}")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":1")]
    [InlineData("{\"method\":\"m\",\"params\":[],\"id\":1}{}")]
    [InlineData("{\"method\":\"m\",\"params\":[\"\0\"],\"id\":1}")]
    public async Task What_is_no_JSON_call_is_malformed(string document) => await Refused(Calls.Json, document, RpcReadError.Malformed);

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("nonsense")]
    [InlineData("<methodCall>")]
    [InlineData("<methodCall></methodCall>")]
    [InlineData("<methodCall/>")]
    [InlineData("<methodCall><params></params></methodCall>")]
    [InlineData("<methodCall><params></params><methodName>m</methodName></methodCall>")]
    [InlineData("<methodCall><methodName>m</methodName><methodName>m</methodName></methodCall>")]
    [InlineData("<methodCall><methodName>m</methodName><params/><params/></methodCall>")]
    [InlineData("<methodCall><methodName>m</methodName><params/></methodCall><methodCall/>")]
    [InlineData("<methodCall><methodName>m</methodName><params/></methodCall>x")]
    [InlineData("<methodCall><methodName>m</methodName><params/></methodCal>")]
    [InlineData("<methodCall><methodName>m</methodName><params></methodCall></params>")]
    [InlineData("<methodResponse><params/></methodResponse>")]
    [InlineData("x<methodCall><methodName>m</methodName><params/></methodCall>")]
    public async Task What_is_no_XML_call_is_malformed(string document) => await Refused(Calls.Xml, document, RpcReadError.Malformed);

    [Theory]
    [InlineData("")]
    [InlineData("text")]
    [InlineData("<value/><value/>")]
    [InlineData("<value><value>a</value></value>")]
    [InlineData("<value>x<string>a</string></value>")]
    [InlineData("<value><string>a</string>x</value>")]
    [InlineData("<value><string>a</string><string>b</string></value>")]
    [InlineData("<value><string><b>a</b></string></value>")]
    [InlineData("<value><unknown/></value>")]
    [InlineData("<value><ex:nil/></value>")]
    [InlineData("<value><nil>x</nil></value>")]
    [InlineData("<value><int>x</int></value>")]
    [InlineData("<value><int/></value>")]
    [InlineData("<value><i8>9223372036854775808</i8></value>")]
    [InlineData("<value><double>x</double></value>")]
    [InlineData("<value><struct>x</struct></value>")]
    [InlineData("<value><struct><name>a</name></struct></value>")]
    [InlineData("<value><struct><member/></struct></value>")]
    [InlineData("<value><struct><member><name>a</name></member></struct></value>")]
    [InlineData("<value><struct><member><value>a</value><name>a</name></member></struct></value>")]
    [InlineData("<value><struct><member><name>a</name><value/><value/></member></struct></value>")]
    [InlineData("<value><array><data>x</data></array></value>")]
    [InlineData("<value><array><data><string>a</string></data></array></value>")]
    [InlineData("<value>&unknown;</value>")]
    [InlineData("<value>&;</value>")]
    [InlineData("<value>&#0;</value>")]
    [InlineData("<value>&#xD800;</value>")]
    [InlineData("<value>&#x110000;</value>")]
    [InlineData("<value>&#99999999999;</value>")]
    [InlineData("<value>&#-1;</value>")]
    [InlineData("<value>a\0b</value>")]
    [InlineData("<value>a\u0001b</value>")]
    [InlineData("<value><![CDATA[\0]]></value>")]
    [InlineData("<value><![CDATA[a]]</value>")]
    [InlineData("<value><!-- a --</value>")]
    [InlineData("<value><!x></value>")]
    [InlineData("<value a='<'/>")]
    [InlineData("<value / >a</value>")]
    [InlineData("< value>a</value>")]
    [InlineData("<>a</value>")]
    [InlineData("<value>a</>")]
    [InlineData("<value>a</value x>")]
    public async Task A_value_that_breaks_the_grammar_is_malformed(string value) =>
        await Refused(Calls.Xml, Calls.XmlCall(value), RpcReadError.Malformed);

    private static async Task Refused(IRpcCodec codec, string document, RpcReadError error)
    {
        var reading = () => Calls.Read(codec, document);
        (await reading.Should().ThrowAsync<RpcReadException>(document)).Which.Error.Should().Be(error);
    }
}
