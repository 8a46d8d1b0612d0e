using System.Text;
using FluentAssertions;
using XapiCompat.Testing;
using XapiCompat.Values;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Wire.Tests;

public sealed class RoundTripTests(ITestOutputHelper output)
{
    /// <summary>Reads pairs of answers, ours in XML and in JSON, and compares what Python sees in both.</summary>
    private const string Judge = """
        import base64, json, sys, xmlrpc.client

        def plain(text):
            kept = "".join(c for c in text if c >= " " or c in "\t\n\r")
            return kept.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")

        def same(x, j):
            if isinstance(j, bool): return x is j
            if isinstance(j, int): return x == str(j)
            if isinstance(j, float): return isinstance(x, float) and x == float("%.16g" % j)
            if isinstance(x, xmlrpc.client.DateTime): return x.value == j
            if isinstance(j, str): return x == plain(j)
            if isinstance(j, list): return len(x) == len(j) and all(map(same, x, j))
            return [plain(k) for k in j] == list(x) and all(same(x[plain(k)], v) for k, v in j.items())

        count = 0
        for line in open(sys.argv[1]):
            xml, text = map(base64.b64decode, line.split())
            (answer,), _ = xmlrpc.client.loads(xml)
            assert list(answer) == ["Status", "Value"] and answer["Status"] == "Success"
            call = json.loads(text.decode("utf-8"))
            assert list(call) == ["jsonrpc", "result", "id"]
            assert same(answer["Value"], call["result"]), (answer["Value"], call["result"])
            count += 1
        print("same", count)
        """;

    /// <summary>Writes random calls, each in XML and in JSON, as Python's own libraries encode them.</summary>
    private const string Caller = """
        import base64, json, random, sys, xmlrpc.client

        def text():
            return "".join(random.choice(["a", " ", "<", "&", ">", "\"", "'", "]]>", "\n", "\t", "\u00e9", "\U0001f600", "\\", "\u20ac"])
                           for _ in range(random.randrange(8)))

        def value(depth):
            kind = random.randrange(5 if depth == 0 else 7)
            if kind == 0: return random.randrange(-2**31, 2**31)
            if kind == 1: return random.choice([True, False])
            if kind == 2: return random.uniform(-1, 1) * 10 ** random.randrange(-20, 20)
            if kind == 3: return None
            if kind == 4: return text()
            if kind == 5: return [value(depth - 1) for _ in range(random.randrange(5))]
            return {str(i) + text(): value(depth - 1) for i in range(random.randrange(5))}

        random.seed(int(sys.argv[1]))
        for _ in range(int(sys.argv[2])):
            params = tuple(value(4) for _ in range(random.randrange(5)))
            xml = xmlrpc.client.dumps(params, "VM.start", allow_none=True)
            text_form = json.dumps({"jsonrpc": "2.0", "method": "VM.start", "params": params, "id": "x"}, ensure_ascii=random.random() < 0.5)
            print(*(base64.b64encode(s.encode("utf-8")).decode("ascii") for s in (xml, text_form)))
        """;

    [Fact]
    public void Random_values_come_back_as_they_were_sent()
    {
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        var random = new RandomValues(seed);
        for (var i = 0; i < Repeats.Count(5_000, 100_000); i++)
        {
            var value = random.Next();
            var xml = XmlRpcWriter.ValueText(value);
            XmlRpcReader.ParseValue(xml).Equals(RandomValues.FromXml(value)).Should().BeTrue($"of {xml}, number {i}");
            XmlRpcWriter.ValueText(value).Should().Be(xml);
        }
    }

    [Fact]
    public async Task Random_values_come_back_from_JSON_as_they_were_sent()
    {
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        var random = new RandomValues(seed);
        for (var i = 0; i < Repeats.Count(5_000, 100_000); i++)
        {
            var value = random.Next();
            var json = JsonRpcWriter.ValueText(value);
            (await Calls.JsonArgument(json)).Equals(RandomValues.FromJson(value)).Should().BeTrue($"of {json}, number {i}");
        }
    }

    [SkippableFact]
    public async Task Python_reads_the_same_from_both_protocols()
    {
        var python = RequiredTool.Find("python3");
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        var random = new RandomValues(seed);
        using var directory = new TempDirectory();
        var count = Repeats.Count(1_000, 20_000);
        await using (var file = new StreamWriter(directory.File("answers")))
        {
            for (var i = 0; i < count; i++)
            {
                var result = RpcResult.Success(random.Next());
                var xml = await Calls.Answer(Calls.Xml, Calls.Request(RpcProtocol.XmlRpc), result);
                var json = await Calls.Answer(Calls.Json, Calls.Request(RpcProtocol.JsonRpc20, "0"), result);
                await file.WriteLineAsync(Base64(xml) + " " + Base64(json));
            }
        }

        await File.WriteAllTextAsync(directory.File("judge.py"), Judge);
        var (exit, said) = RequiredTool.Run(python, directory.File("judge.py"), directory.File("answers"));
        said.Trim().Should().Be("same " + count);
        exit.Should().Be(0);
    }

    [SkippableFact]
    public async Task Calls_that_Python_writes_are_read_the_same_from_both_protocols()
    {
        var python = RequiredTool.Find("python3");
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory.File("caller.py"), Caller);
        var count = Repeats.Count(1_000, 20_000);
        var (exit, said) = RequiredTool.Run(python, directory.File("caller.py"), $"{seed}", $"{count}");
        exit.Should().Be(0, said);
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Should().HaveCount(count);
        foreach (var line in lines)
        {
            var parts = line.Split(' ');
            var xml = await Calls.Read(Calls.Xml, Convert.FromBase64String(parts[0]));
            var json = await Calls.Read(Calls.Json, Convert.FromBase64String(parts[1]));
            xml.Call.Method.Should().Be("VM.start");
            json.JsonId.Should().Be("\"x\"");
            xml.Call.Arguments.SequenceEqual(json.Call.Arguments).Should().BeTrue("of {0}", line);
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
