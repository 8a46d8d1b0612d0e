using System.Diagnostics;
using System.Text;
using FluentAssertions;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Wire.Tests;

/// <summary>Calls that are almost right: refused or read, the same in one piece and in many, and nothing else.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private static readonly byte[][] Dictionary =
    [
        .. new[]
        {
            "<", ">", "/", "&", ";", "&amp;", "&#", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE", "<value>", "</value>", "<struct>",
            "<member>", "<name>", "<array>", "<data>", "</data>", "<i4>", "<nil/>", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "null",
            "1e999", "-", "0", "\0", "\"method\"", "\"params\"", " ", "\uFEFF",
        }.Select(Encoding.UTF8.GetBytes),
        [0x80],
        [0xC3],
        [0xFF],
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Mutated_documents_are_read_or_refused(bool isXml)
    {
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var values = new RandomValues(seed);
        var codec = isXml ? Calls.Xml : Calls.Json;
        var count = Repeats.Count(5_000, 100_000);
        var outcomes = new SortedDictionary<string, int>();
        var clock = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < count; i++)
        {
            var document = Mutate(Document(values, isXml), random);
            var start = clock.Elapsed;
            var (whole, request) = await Outcome(() => Calls.Read(codec, document));
            slowest = clock.Elapsed - start > slowest ? clock.Elapsed - start : slowest;
            var (cut, again) = await Outcome(() => Calls.ReadPieces(codec, Pieces(document, random)));
            cut.Should().Be(whole, "document {0} must not depend on its pieces: {1}", i, Convert.ToBase64String(document));
            if (request is not null)
                again!.Call.Arguments.SequenceEqual(request.Call.Arguments).Should().BeTrue();
            outcomes[whole] = outcomes.GetValueOrDefault(whole) + 1;
        }

        output.WriteLine($"{count} documents: {string.Join(", ", outcomes.Select(o => $"{o.Key} {o.Value}"))}; slowest {slowest.TotalMilliseconds:F1} ms");
        outcomes.Should().ContainKeys("read", nameof(RpcReadError.Malformed));
        slowest.Should().BeLessThan(TimeSpan.FromSeconds(60));
    }

    private static byte[] Document(RandomValues values, bool isXml)
    {
        var value = values.Next(odd: false);
        return Encoding.UTF8.GetBytes(isXml ? Calls.XmlCall(XmlRpcWriter.ValueText(value)) : Calls.JsonCall(JsonRpcWriter.ValueText(value)));
    }

    private static byte[] Mutate(byte[] document, Random random)
    {
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(document.Length);
            var length = random.Next(Math.Min(40, document.Length - at));
            var from = random.Next(document.Length - length + 1);
            document = random.Next(6) switch
            {
                0 => [.. document[..at], (byte)random.Next(256), .. document[(at + 1)..]],
                1 => [.. document[..at], .. Dictionary[random.Next(Dictionary.Length)], .. document[at..]],
                2 => [.. document[..at], .. document[(at + length)..]],
                3 => [.. document[..at], .. document[from..(from + length)], .. document[at..]],
                4 => [.. document[..at], .. Dictionary[random.Next(Dictionary.Length)], .. document[(at + length)..]],
                _ => random.Next(10) == 0 ? document[..(at + 1)] : [.. document, .. document[from..(from + length)]],
            };
        }

        return document;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] document, Random random)
    {
        for (var at = 0; at < document.Length;)
        {
            var length = Math.Min(random.Next(1, random.Next(2) == 0 ? 4 : 200), document.Length - at);
            yield return document.AsMemory(at, length);
            at += length;
        }
    }

    private static async Task<(string Outcome, RpcRequest? Request)> Outcome(Func<Task<RpcRequest>> read)
    {
        try
        {
            return ("read", await read());
        }
        catch (RpcReadException e)
        {
            return (e.Error.ToString(), null);
        }
    }
}
