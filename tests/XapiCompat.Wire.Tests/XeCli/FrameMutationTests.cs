using System.Buffers.Binary;
using FluentAssertions;
using Xunit;
using Xunit.Abstractions;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Frames that are almost right are read or refused, and nothing else happens.</summary>
public sealed class FrameMutationTests(ITestOutputHelper output)
{
    private static readonly int[] Numbers = [0, 1, 4, 7, 8, 9, 10, 11, 12, 17, 18, 255, 65536, 65537, int.MaxValue, int.MaxValue - 3, int.MinValue, -1, -4];

    [Fact]
    public void Mutated_frames_are_read_or_refused()
    {
        var seed = Repeats.Seed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var count = Repeats.Count(10_000, 500_000);
        var outcomes = new SortedDictionary<string, int>();
        for (var i = 0; i < count; i++)
        {
            var bytes = Mutate(random);
            var outcome = Outcome(() => Frames.FromSequence(bytes) is null ? "more" : "read");
            var stream = Outcome(() => Frames.FromStream(bytes, pieces: random.Next(1, 40)) is null ? "more" : "read");
            (stream == nameof(XeFrameError.Truncated) ? "more" : stream).Should().Be(outcome, "frame {0}: {1}", i, Convert.ToHexString(bytes));
            Outcome(() => new XeStreamReader(new MemoryStream(bytes), XeFrameLimits.OfServers).ReadGreeting() is null ? "more" : "read");
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        output.WriteLine(string.Join(", ", outcomes.Select(outcome => $"{outcome.Key} {outcome.Value}")));
        outcomes.Should().ContainKeys("read", "more", nameof(XeFrameError.UnknownMessage), nameof(XeFrameError.TrailingBytes), nameof(XeFrameError.NegativeLength));
    }

    private static string Outcome(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (XeFrameException error)
        {
            return error.Error.ToString();
        }
    }

    private static byte[] Mutate(Random random)
    {
        var messages = FrameBytesTests.Messages.ToArray();
        var bytes = Frames.Encode((XeMessage)messages[random.Next(messages.Length)][0]);
        for (var changes = random.Next(1, 4); changes > 0 && bytes.Length > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when bytes.Length >= sizeof(int):
                    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(random.Next(bytes.Length / sizeof(int)) * sizeof(int)), Numbers[random.Next(Numbers.Length)]);
                    break;
                case 2:
                    bytes = bytes[..at];
                    break;
                case 3:
                    bytes = [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
                    break;
                default:
                    // The payload grows or shrinks together with its length.
                    var payload = bytes.Length > sizeof(int) ? bytes[sizeof(int)..] : [];
                    payload = random.Next(2) == 0 ? [.. payload, (byte)random.Next(256)] : payload[..random.Next(payload.Length + 1)];
                    bytes = [.. new byte[sizeof(int)], .. payload];
                    BinaryPrimitives.WriteInt32LittleEndian(bytes, payload.Length);
                    break;
            }
        }

        return bytes;
    }
}
