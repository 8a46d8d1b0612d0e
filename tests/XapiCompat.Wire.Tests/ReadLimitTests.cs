using FluentAssertions;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Wire.Tests;

public sealed class ReadLimitTests
{
    private const int Session = 5 << 20;

    public static TheoryData<string, string, string> LargeCalls => new()
    {
        { "<methodCall><methodName>m</methodName><params><param><value>S</value></param><param><value>", "x", "</value></param></params></methodCall>" },
        { "{\"method\":\"m\",\"id\":0,\"params\":[\"S\",\"", "x", "\"]}" },
        { "{\"id\":0,\"params\":[\"S\",{}],\"method\":\"m\",\"other\":\"", "x", "\"}" },
    };

    [Theory]
    [MemberData(nameof(LargeCalls))]
    public async Task A_valid_session_in_the_first_argument_lifts_the_limit(string head, string repeated, string tail)
    {
        var codec = head[0] == '<' ? Calls.Xml : Calls.Json;
        var limits = new RpcReadLimits { AllowedBytes = (_, first) => first is XenString { Text: "S" } ? Session : 1 << 20 };

        var call = await codec.ReadAsync(new EndlessReader(head, repeated, 4 << 20, tail), limits, default);
        call.Call.Arguments.Should().HaveCount(2);

        var tooMuch = new EndlessReader(head, repeated, Session, tail);
        await Refused(codec, tooMuch, limits);
        tooMuch.Given.Should().BeLessThanOrEqualTo(Session + (32 * 1024));

        await Refused(codec, new EndlessReader(head.Replace("S", "T", StringComparison.Ordinal), repeated, 4 << 20, tail), limits);
    }

    [Theory]
    [MemberData(nameof(LargeCalls))]
    public async Task Everything_in_one_read_keeps_the_same_limits(string head, string repeated, string tail)
    {
        var codec = head[0] == '<' ? Calls.Xml : Calls.Json;
        var limits = new RpcReadLimits { AllowedBytes = (_, first) => first is XenString { Text: "S" } ? Session : 1 << 20 };
        var body = new string(repeated[0], 4 << 20);
        (await Calls.Read(codec, head + body + tail, limits)).Call.Arguments.Should().HaveCount(2);

        var refused = () => Calls.Read(codec, head.Replace("S", "T", StringComparison.Ordinal) + body + tail, limits);
        (await refused.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.TooLarge);
    }

    [Theory]
    [InlineData("<methodCall><methodName>m</methodName><params><param><value>S</value></param><param><value>t</value></param></params></methodCall>", "m:,m:S")]
    [InlineData("<methodCall><methodName>m</methodName><params/></methodCall>", "m:")]
    [InlineData("{\"method\":\"m\",\"id\":0,\"params\":[\"S\",\"t\"]}", "m:,m:S")]
    [InlineData("{\"params\":[\"S\",\"t\"],\"method\":\"m\",\"id\":0}", "m:S")]
    [InlineData("{\"params\":[],\"method\":\"m\",\"id\":0}", "m:")]
    public async Task The_limit_is_asked_with_the_method_and_again_with_the_first_argument(string document, string expected)
    {
        var asked = new List<string>();
        var limits = new RpcReadLimits
        {
            AllowedBytes = (method, first) =>
            {
                asked.Add(method + ":" + first);
                return 1 << 20;
            },
        };
        await Calls.Read(document[0] == '<' ? Calls.Xml : Calls.Json, document, limits);
        string.Join(',', asked).Should().Be(expected);
    }

    [Fact]
    public async Task A_lower_limit_for_a_method_counts_what_was_read_already()
    {
        var limits = new RpcReadLimits { AllowedBytes = (_, _) => 1000 };
        foreach (var (codec, document) in new[]
        {
            (Calls.Xml, Calls.XmlCall("<value>" + new string('x', 1000) + "</value>")),
            (Calls.Json, Calls.JsonCall("\"" + new string('x', 1000) + "\"")),
        })
        {
            var reading = () => Calls.Read(codec, document, limits);
            (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.TooLarge);
        }
    }

    private static async Task Refused(IRpcCodec codec, EndlessReader input, RpcReadLimits limits)
    {
        var reading = async () => await codec.ReadAsync(input, limits, default);
        (await reading.Should().ThrowAsync<RpcReadException>()).Which.Error.Should().Be(RpcReadError.TooLarge);
    }
}
