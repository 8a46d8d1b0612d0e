using System.Text;
using FluentAssertions;
using Xunit;

namespace XapiCompat.Wire.Tests;

/// <summary>The pieces in which a document arrives never change what is read.</summary>
public sealed class ChunkingTests
{
    private const string Value =
        "<value> <struct><member><name>a&amp;\u00e9</name><value><array><data><value>x😀</value><value><i4>-12</i4></value><value/>"
        + "</data></array></value></member><!-- c - -- > --><member ><name>b</name><value><![CDATA[<]>]]]]></value></member>"
        + "<member><name>d</name><value k='v>'><dateTime.iso8601>20260314T09:26:53Z</dateTime.iso8601></value ></member>"
        + "<member><name>e</name><value>a<?pi ?? x?>&#x1F600;b</value></member></struct>\r\n</value>";

    public static TheoryData<string> Documents => new()
    {
        "\uFEFF<?xml version=\"1.0\"?>\n" + "<methodCall><methodName>VM.start</methodName>\n<params><param>" + Value
            + "</param><param><value><boolean>1</boolean></value></param><param><value><nil/></value></param></params></methodCall>\n",
        Calls.JsonCall("{\"a\\u00e9\":[1,-2.5e3,\"x😀\\ud83d\\ude00\",true,null,{}],\"b\":\"\",\"long\":\"" + new string('x', 300) + "\"},[[[]]]"),
        " { \"skipped\" : [ { \"method\" : 1 } , \"é\" ] , \"params\" : { \"k\" : [ 12345678901 ] } , \"method\" : \"m\", \"id\" : \"\\u0041é\" } ",
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task A_document_cut_at_any_byte_reads_the_same(string document)
    {
        var bytes = Encoding.UTF8.GetBytes(document);
        var codec = document.Contains('{', StringComparison.Ordinal) ? Calls.Json : Calls.Xml;
        var whole = await Calls.Read(codec, bytes);
        for (var cut = 0; cut <= bytes.Length; cut++)
            Same(await Calls.ReadPieces(codec, [bytes.AsMemory(0, cut), bytes.AsMemory(cut)]), whole);
        Same(await Calls.ReadPieces(codec, Enumerable.Range(0, bytes.Length).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i, 1))), whole);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task A_document_that_ends_early_is_malformed_at_any_byte(string document)
    {
        var bytes = Encoding.UTF8.GetBytes(document.TrimEnd());
        var codec = document.Contains('{', StringComparison.Ordinal) ? Calls.Json : Calls.Xml;
        for (var end = 0; end < bytes.Length; end++)
        {
            var reading = () => Calls.Read(codec, bytes[..end]);
            (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.Malformed);
        }
    }

    private static void Same(RpcRequest actual, RpcRequest expected)
    {
        actual.Call.Method.Should().Be(expected.Call.Method);
        actual.Call.Arguments.SequenceEqual(expected.Call.Arguments).Should().BeTrue();
        (actual.Protocol, actual.JsonId).Should().Be((expected.Protocol, expected.JsonId));
    }
}
