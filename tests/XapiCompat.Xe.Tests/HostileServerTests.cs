using System.Buffers;
using System.Globalization;
using System.Text;
using FluentAssertions;
using Xunit;
using Xunit.Abstractions;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Tests.Support;

namespace XapiCompat.Xe.Tests;

/// <summary>Servers that break off or send nonsense at any moment: the client says so and ends, soon.</summary>
public sealed class HostileServerTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Whatever_a_server_sends_the_client_ends()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XAPICOMPAT_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var count = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XAPICOMPAT_SOAK")) ? 200 : 5000;
        using var server = new ScriptedServer();
        for (var i = 0; i < count; i++)
        {
            using var xe = new XeProcess { Input = new MemoryStream(Encoding.UTF8.GetBytes("yes\n")) };
            File.WriteAllText(xe.File_("f"), "abc");
            var bytes = Conversation(random);
            var code = await xe.Run(["x", "filename=f", "-p", $"{server.Port}"], () =>
            {
                using var peer = server.Accept();
                peer.ReadRequest();
                peer.Send(bytes);
            });
            if (code == 0)
                continue;
            xe.Error.Should().NotBeEmpty("session {0} of seed {1} ended with {2}", i, seed, code);
        }
    }

    /// <summary>A conversation cut or changed somewhere; no transfers, whose own connections nobody would answer.</summary>
    private static byte[] Conversation(Random random)
    {
        XeMessage[] messages =
        [
            new XeMessage.Print("text"), new XeMessage.PrintStderr("text\n"), new XeMessage.Debug("text"), new XeMessage.Prompt(),
            new XeMessage.Load("f"), new XeMessage.Load("other"), new XeMessage.Error("CODE", ["a", "b"]), new XeMessage.Ok(), new XeMessage.Chunk(5),
        ];
        var bytes = new ArrayBufferWriter<byte>();
        XeGreeting.Current.Write(bytes);
        for (var i = random.Next(5); i > 0; i--)
            XeFrameEncoder.Write(bytes, messages[random.Next(messages.Length)]);
        XeFrameEncoder.Write(bytes, new XeMessage.PrintStderr("the end\n"));
        // Who ends with a failure has a reason to tell: no server asks for one here, whose words a change could have taken away.
        XeFrameEncoder.Write(bytes, new XeMessage.Exit(0));
        var sent = bytes.WrittenSpan.ToArray();
        for (var i = random.Next(4); i > 0; i--)
        {
            // Not the tags of transfers.
            var value = (byte)random.Next(256);
            sent[random.Next(sent.Length)] = value is 12 or 13 or 17 ? (byte)2 : value;
        }

        return random.Next(3) == 0 ? sent[..random.Next(sent.Length)] : sent;
    }
}
