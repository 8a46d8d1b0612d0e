using System.Text;
using FluentAssertions;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Wire.Tests;

public sealed class StreamingTests
{
    private const int Step = 64 * 1024;

    private static readonly string[] FieldNames = [.. Enumerable.Range(0, 33).Select(i => "field_" + i)];

    [Fact]
    public async Task A_thirty_megabyte_answer_is_sent_in_steps_of_a_known_length()
    {
        foreach (var (codec, protocol) in new[] { (Calls.Xml, RpcProtocol.XmlRpc), (Calls.Json, RpcProtocol.JsonRpc20) })
        {
            foreach (var cached in new[] { true, false })
            {
                var known = 0L;
                var writer = new CountingWriter();
                await codec.WriteAsync(writer, Calls.Request(protocol, "0"), RpcResult.Success(AllRecords(10_000, cached)), default, n => known = n);
                writer.Total.Should().BeGreaterThan(20_000_000).And.Be(known);
                writer.MostUnflushed.Should().BeLessThanOrEqualTo(Step);
            }
        }
    }

    [Fact]
    public async Task A_single_large_text_is_sent_in_steps()
    {
        var text = string.Concat(Enumerable.Repeat("x<é😀\n", 1_000_000));
        foreach (var (codec, protocol) in new[] { (Calls.Xml, RpcProtocol.XmlRpc), (Calls.Json, RpcProtocol.JsonRpc20) })
        {
            var known = 0L;
            var writer = new CountingWriter();
            await codec.WriteAsync(writer, Calls.Request(protocol, "0"), RpcResult.Success(text), default, n => known = n);
            writer.MostUnflushed.Should().BeLessThanOrEqualTo(Step);
            writer.Total.Should().Be(known);
            var sent = Encoding.UTF8.GetString(writer.Bytes);
            sent.Should().Contain(codec == Calls.Xml ? text.Replace("<", "&lt;", StringComparison.Ordinal) : text.Replace("\n", "\\n", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_small_answer_is_one_write_of_a_known_length()
    {
        var known = new List<long>();
        var writer = new CountingWriter();
        await Calls.Xml.WriteAsync(writer, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Success(1L), default, known.Add);
        known.Should().Equal(writer.Total);
    }

    [Fact]
    public async Task A_client_that_went_away_ends_the_answer()
    {
        var writer = new CountingWriter(closesAfter: 1_000_000);
        await Calls.Xml.WriteAsync(writer, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Success(AllRecords(5_000, cached: true)), default);
        writer.Total.Should().BeInRange(1_000_000, 1_000_000 + Step);
    }

    [Fact]
    public async Task A_deep_value_of_our_own_is_sent_without_recursion()
    {
        XenValue value = "x";
        for (var i = 0; i < 200_000; i++)
            value = new XenArray([value]);
        var writer = new CountingWriter();
        await Calls.Json.WriteAsync(writer, Calls.Request(RpcProtocol.JsonRpc20, "0"), RpcResult.Success(value), default);
        writer.Total.Should().BeGreaterThan(400_000);
    }

    [Fact]
    public async Task Texts_at_every_place_of_the_buffer_are_whole()
    {
        foreach (var (codec, protocol) in new[] { (Calls.Xml, RpcProtocol.XmlRpc), (Calls.Json, RpcProtocol.JsonRpc20) })
        {
            var prefix = (await Calls.Answer(codec, Calls.Request(protocol, "0"), RpcResult.Success(XenArray.Of(["", "é<😀\"\n"])))).Length;
            for (var length = Step - prefix - 40; length < Step + 10; length++)
            {
                var value = XenArray.Of([new string('x', length), "é<😀\"\n", "end"]);
                var known = 0L;
                var answer = await Calls.Answer(codec, Calls.Request(protocol, "0"), RpcResult.Success(value), n => known = n);
                Encoding.UTF8.GetByteCount(answer).Should().Be((int)known);
                answer.Should().Contain(codec == Calls.Xml ? "<value>é&lt;😀&quot;\n</value><value>end</value>" : "\"é<😀\\\"\\n\",\"end\"");
            }
        }
    }

    [Fact]
    public async Task A_record_that_is_asked_for_is_encoded_once_and_then_copied()
    {
        var inner = new XenStruct(["b"], [1L], cacheFragments: true);
        var record = new XenStruct(["a", "c"], [inner, "x<"], cacheFragments: true);
        var xml = XmlRpcWriter.ValueText(record);
        var json = JsonRpcWriter.ValueText(record);

        xml.Should().Be("<value><struct><member><name>a</name><value><struct><member><name>b</name><value>1</value></member></struct></value></member>"
            + "<member><name>c</name><value>x&lt;</value></member></struct></value>");
        json.Should().Be("{\"a\":{\"b\":1},\"c\":\"x<\"}");
        (await Xml(record)).Should().Contain(xml);
        (await Json(record)).Should().Contain(json);
        Encoding.UTF8.GetString(record.XmlFragment!).Should().Be(xml["<value>".Length..^"</value>".Length]);
        Encoding.UTF8.GetString(record.JsonFragment!).Should().Be(json);

        record.XmlFragment = "<struct><!--kept--></struct>"u8.ToArray();
        record.JsonFragment = "{\"kept\":1}"u8.ToArray();
        (await Xml(new XenArray([record, record]))).Should().Contain(
            "<data><value><struct><!--kept--></struct></value><value><struct><!--kept--></struct></value></data>");
        (await Json(new XenArray([record, record]))).Should().Contain("[{\"kept\":1},{\"kept\":1}]");
    }

    [Fact]
    public async Task Encoded_bytes_are_kept_of_the_newest_records_that_were_asked_for_and_of_none_in_lists()
    {
        var all = AllRecords(3000, cached: true);
        await Json(all);
        var records = all.Values.Cast<XenStruct>().ToList();
        records.Should().OnlyContain(r => r.JsonFragment == null);
        foreach (var record in records)
            await Json(record);
        records.Count(r => r.JsonFragment is not null).Should().BeInRange(1, 1024);
        records[^1].JsonFragment.Should().NotBeNull();
        (await Json(all)).Should().Be(await Json(AllRecords(3000, cached: false)));

        var large = new XenStruct(["text"], [new string('x', 100_000)], cacheFragments: true);
        (await Json(large)).Should().HaveLength((await Json(large)).Length).And.Contain(new string('x', 100_000));
        large.JsonFragment.Should().BeNull();
    }

    [Fact]
    public async Task Records_at_every_place_of_the_buffer_are_whole_and_their_length_is_known()
    {
        foreach (var (codec, protocol) in new[] { (Calls.Xml, RpcProtocol.XmlRpc), (Calls.Json, RpcProtocol.JsonRpc20) })
        {
            string[] names = ["plain", "é<", "map", "set", "none", "empty"];
            XenValue[] values = ["abc", "é<😀\"\n\\", XenStruct.Of(("k&", "v"), ("n", -5L)), XenArray.Of(["a", "\"b"]), XenArray.Empty, XenStruct.Empty];
            var text = codec == Calls.Xml ? XmlRpcWriter.ValueText(new XenStruct(names, values)) : JsonRpcWriter.ValueText(new XenStruct(names, values));
            for (var length = Step - text.Length - 400; length < Step; length += 3)
            {
                var record = new XenStruct(names, values, cacheFragments: true);
                var value = new XenArray([new string('x', length), record, record]);
                foreach (var _ in Enumerable.Range(0, 2))
                {
                    var known = 0L;
                    var answer = await Calls.Answer(codec, Calls.Request(protocol, "0"), RpcResult.Success(value), n => known = n);
                    Encoding.UTF8.GetByteCount(answer).Should().Be((int)known);
                    answer.Should().Contain(codec == Calls.Xml ? text + text : text + "," + text);
                }
            }
        }
    }

    [Fact]
    public async Task Answers_written_at_once_do_not_mix()
    {
        var expected = Encoding.UTF8.GetBytes(XmlRpcWriter.ValueText(AllRecords(500, cached: false)));
        await Parallel.ForEachAsync(Enumerable.Range(0, 40), async (_, ct) =>
        {
            var writer = new CountingWriter();
            await Calls.Xml.WriteAsync(writer, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Success(AllRecords(500, cached: true)), ct);
            writer.Bytes.AsSpan().IndexOf(expected).Should().BePositive();
        });
    }

    private static ValueTask<string> Xml(XenValue value) => new(Calls.Answer(Calls.Xml, Calls.Request(RpcProtocol.XmlRpc), RpcResult.Success(value)));

    private static ValueTask<string> Json(XenValue value) => new(Calls.Answer(Calls.Json, Calls.Request(RpcProtocol.JsonRpc10, "1"), RpcResult.Success(value)));

    private static XenStruct AllRecords(int count, bool cached)
    {
        var records = Enumerable.Range(0, count).Select(i => new XenStruct(
            FieldNames, [.. FieldNames.Select((name, f) => f % 3 == 0 ? (XenValue)(long)(i * f) : f % 3 == 1 ? name + " <é> " + i + new string('-', 160) : true)], cached));
        return new([.. Enumerable.Range(0, count).Select(i => "OpaqueRef:" + i)], [.. records]);
    }
}
