using FluentAssertions;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Wire.Tests;

/// <summary>The bytes of each XenAPI type, both ways.</summary>
public sealed class ValuesOnTheWireTests
{
    private const string Ref = "OpaqueRef:6a0c9ee2-0f33-4a2e-9f5e-5d8b3c1a7e10";

    public static TheoryData<string, XenValue, string, string> Sent => new()
    {
        { "string", "text", "<value>text</value>", "\"text\"" },
        { "empty string", "", "<value></value>", "\"\"" },
        { "void", XenValue.Void, "<value></value>", "\"\"" },
        { "escaped string", "a<b>c&d\"e'f", "<value>a&lt;b&gt;c&amp;d&quot;e'f</value>", "\"a<b>c&d\\\"e'f\"" },
        { "kept white space", " \t\r\n ", "<value> \t\r\n </value>", "\" \\t\\r\\n \"" },
        { "controls", "a\0b\u0001\u001f\b\fc", "<value>abc</value>", "\"a\\u0000b\\u0001\\u001f\\b\\fc\"" },
        { "lone surrogates", "\ud800a\udc00", "<value>\uFFFDa\uFFFD</value>", "\"\uFFFDa\uFFFD\"" },
        { "non-characters", "\uFFFEa\uFFFFé", "<value>\uFFFDa\uFFFDé</value>", "\"\uFFFEa\uFFFFé\"" },
        { "other planes", "é€😀\\", "<value>é€😀\\</value>", "\"é€😀\\\\\"" },
        { "int", 42L, "<value>42</value>", "42" },
        { "least int", long.MinValue, "<value>-9223372036854775808</value>", "-9223372036854775808" },
        { "greatest int", long.MaxValue, "<value>9223372036854775807</value>", "9223372036854775807" },
        { "ref count", new XenInt32(3), "<value><i4>3</i4></value>", "3" },
        { "true", true, "<value><boolean>1</boolean></value>", "true" },
        { "false", false, "<value><boolean>0</boolean></value>", "false" },
        { "float", 0.25, "<value><double>0.25</double></value>", "0.25" },
        { "integral float", 60.0, "<value><double>60</double></value>", "60.0" },
        { "16 digits", 0.1 + 0.2, "<value><double>0.3</double></value>", "0.30000000000000004" },
        { "large float", 1e17, "<value><double>1e+17</double></value>", "1E+17" },
        { "small float", 0.00001, "<value><double>1e-05</double></value>", "1E-05" },
        { "negative float", -123456789.125, "<value><double>-123456789.125</double></value>", "-123456789.125" },
        { "no number", double.NaN, "<value><double>nan</double></value>", "null" },
        { "infinity", double.PositiveInfinity, "<value><double>inf</double></value>", "null" },
        { "minus infinity", double.NegativeInfinity, "<value><double>-inf</double></value>", "null" },
        {
            "datetime", new XenDateTime("20260314T09:26:53Z"),
            "<value><dateTime.iso8601>20260314T09:26:53Z</dateTime.iso8601></value>", "\"20260314T09:26:53Z\""
        },
        { "ref", Ref, $"<value>{Ref}</value>", $"\"{Ref}\"" },
        { "null ref", XapiCompat.Values.Ref.Null.Text, "<value>OpaqueRef:NULL</value>", "\"OpaqueRef:NULL\"" },
        { "enum", "Halted", "<value>Halted</value>", "\"Halted\"" },
        { "empty set", XenArray.Empty, "<value><array><data></data></array></value>", "[]" },
        {
            "set", new XenArray(["a", 7L]),
            "<value><array><data><value>a</value><value>7</value></data></array></value>", "[\"a\",7]"
        },
        { "empty map", XenStruct.Empty, "<value><struct></struct></value>", "{}" },
        {
            "map", XenStruct.Of(("0", "x"), ("a<b\"", 1L)),
            "<value><struct><member><name>0</name><value>x</value></member>"
            + "<member><name>a&lt;b&quot;</name><value>1</value></member></struct></value>",
            "{\"0\":\"x\",\"a<b\\\"\":1}"
        },
        {
            "record", XenStruct.Of(("uuid", "u"), ("tags", XenArray.Of(["t"])), ("other_config", XenStruct.Of(("k", "v"))), ("size", 1L)),
            "<value><struct><member><name>uuid</name><value>u</value></member>"
            + "<member><name>tags</name><value><array><data><value>t</value></data></array></value></member>"
            + "<member><name>other_config</name><value><struct><member><name>k</name><value>v</value></member></struct></value></member>"
            + "<member><name>size</name><value>1</value></member></struct></value>",
            "{\"uuid\":\"u\",\"tags\":[\"t\"],\"other_config\":{\"k\":\"v\"},\"size\":1}"
        },
        { "null", XenNil.Instance, "<value><nil/></value>", "null" },
    };

    public static TheoryData<string, XenValue> AcceptedXml => new()
    {
        { "<value>text</value>", "text" },
        { "<value><string>text</string></value>", "text" },
        { "<value/>", "" },
        { "<value></value>", "" },
        { "<value><string/></value>", "" },
        { "<value> kept  verbatim\n</value>", " kept  verbatim\n" },
        { "<value><string> kept </string></value>", " kept " },
        { "<value>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#xe9;</value>", "<>&\"'A😀é" },
        { "<value>a<!-- no -- part -->b<![CDATA[<c>&amp;]]]>d<?pi ?? x?>e</value>", "ab<c>&amp;]de" },
        { "<value>42</value>", "42" },
        { "<value><int>42</int></value>", 42L },
        { "<value><i4>-7</i4></value>", -7L },
        { "<value><i8> 9223372036854775807 </i8></value>", long.MaxValue },
        { "<value><boolean>1</boolean></value>", true },
        { "<value><boolean>0</boolean></value>", false },
        { "<value><boolean>true</boolean></value>", false },
        { "<value><double>60.1</double></value>", 60.1 },
        { "<value><double>-1e3</double></value>", -1000.0 },
        { "<value><double>inf</double></value>", double.PositiveInfinity },
        { "<value><dateTime.iso8601>2026-03-14T09:26:53.5+01:00</dateTime.iso8601></value>", new XenDateTime("2026-03-14T09:26:53.5+01:00") },
        { "<value><base64>aGVsbG8=</base64></value>", "aGVsbG8=" },
        { "<value><array/></value>", XenArray.Empty },
        { "<value><array></array></value>", XenArray.Empty },
        { "<value><array><data/></array></value>", XenArray.Empty },
        { "<value><array><value>a</value></array></value>", XenArray.Of(["a"]) },
        { "<value><array><data><value>a</value><value><i4>2</i4></value></data></array></value>", new XenArray(["a", 2L]) },
        { "<value><struct/></value>", XenStruct.Empty },
        { "<value><struct></struct></value>", XenStruct.Empty },
        {
            "<value>\n <struct >\n <member>\n <name>a</name>\n <value><boolean>1</boolean></value> </member > </struct>\t</value>",
            XenStruct.Of(("a", true))
        },
        { "<value kind='a>b' other=\"1\"><nil /></value >", XenNil.Instance },
    };

    public static TheoryData<string, XenValue> AcceptedJson => new()
    {
        { "\"text\"", "text" },
        { "\"\\u0041\\ud83d\\ude00\\n\\/\"", "A😀\n/" },
        { "42", 42L },
        { "-9223372036854775808", long.MinValue },
        { "9223372036854775808", 9223372036854775808.0 },
        { "60.1", 60.1 },
        { "1.0", 1.0 },
        { "1e3", 1000.0 },
        { "1e999", double.PositiveInfinity },
        { "true", true },
        { "false", false },
        { "null", XenNil.Instance },
        { "[]", XenArray.Empty },
        { "{}", XenStruct.Empty },
        { " [ 1 , \"a\" , { \"k\" : [ ] } ] ", new XenArray([1L, "a", XenStruct.Of(("k", XenArray.Empty))]) },
    };

    [Theory]
    [MemberData(nameof(Sent))]
    public async Task Each_type_is_sent_in_its_documented_bytes(string name, XenValue value, string xml, string json)
    {
        XmlRpcWriter.ValueText(value).Should().Be(xml, name);
        JsonRpcWriter.ValueText(value).Should().Be(json, name);

        (await Calls.Answer(Calls.Xml, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Success(value))).Should().Be(
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>"
            + "<member><name>Value</name>" + xml + "</member></struct></value></param></params></methodResponse>");
        (await Calls.Answer(Calls.Json, Calls.Request(RpcProtocol.JsonRpc20, "7"), RpcResult.Success(value))).Should().Be(
            "{\"jsonrpc\":\"2.0\",\"result\":" + json + ",\"id\":7}");
    }

    [Theory]
    [MemberData(nameof(AcceptedXml))]
    public async Task Each_XML_form_is_accepted(string xml, XenValue expected)
    {
        var value = await Calls.XmlArgument(xml);
        value.Should().Be(expected);
        value.GetType().Should().Be(expected.GetType());
        XmlRpcReader.ParseValue(xml).Should().Be(expected);
    }

    [Theory]
    [MemberData(nameof(AcceptedJson))]
    public async Task Each_JSON_form_is_accepted(string json, XenValue expected)
    {
        var value = await Calls.JsonArgument(json);
        value.Should().Be(expected);
        value.GetType().Should().Be(expected.GetType());
    }
}
