using XapiCompat.Server.Tests.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Sessions of the protocol with bytes changed, cut, doubled and dropped.</summary>
public sealed class DialogueFuzzTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    private static readonly string[][] Lines =
    [
        ["vm-list"], ["help"], ["vdi-list", "params=all"], ["sr-create", "name-label=x", "type=sing", "device-config:k-filename=file"],
        ["event-wait", "class=vm", "name-label=nobody"], ["host-list", "--minimal"], ["vm-param-set", "uuid=x", "name-label=y"],
        ["vm-uninstall", "is-control-domain=true"], ["vdi-export", "uuid=x", "filename=f"],
    ];

    [Fact]
    public async Task Mutated_dialogues_leave_the_server_alive_and_nothing_behind()
    {
        var seed = Soak.Seed(output);
        var random = new Random(seed);
        var sessions = Enumerable.Range(0, Soak.Count(100, 500)).Select(_ => Session(new Random(random.Next()))).ToList();
        foreach (var batch in sessions.Chunk(10))
            await Task.WhenAll(batch.Select(PlayAsync));
        await Remains.NothingAsync(server);
    }

    private sealed record Script(byte[] Bytes, int Pieces, bool Reset, int Patience, int Seed);

    private static Script Session(Random random)
    {
        var line = Lines[random.Next(Lines.Length)];
        byte[] bytes =
        [
            .. XeConnection.Request(line), .. XeFrames.Greeting,
            .. XeFrames.Int(8), .. XeFrames.Int(10), .. XeFrames.Int(5),
            .. XeFrames.Int(12), .. XeFrames.Int(11), .. XeFrames.Int(7), .. XeFrames.Int(3), .. "abc"u8,
            .. XeFrames.Int(8), .. XeFrames.Int(11), .. XeFrames.Int(8),
            .. XeFrames.Int(8), .. XeFrames.Int(10), .. XeFrames.Int(18),
        ];
        var changed = bytes.ToList();
        for (var i = random.Next(1, 6); i > 0; i--)
            Mutate(changed, random);
        return new([.. changed], random.Next(1, 5), random.Next(2) == 0, random.Next(0, 300), random.Next());
    }

    private static void Mutate(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0)
            return;
        // The head is a small part of what can go wrong.
        var start = random.Next(4) == 0 ? 0 : Math.Max(0, bytes.Count - 120);
        var at = random.Next(start, bytes.Count);
        var length = Math.Min(random.Next(1, 9), bytes.Count - at);
        switch (random.Next(6))
        {
            case 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 1:
                bytes.RemoveRange(at, length);
                break;
            case 2:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4:
                bytes.InsertRange(at, XeFrames.Int(random.Next(3) switch { 0 => int.MaxValue, 1 => -1, _ => random.Next() }));
                break;
            default:
                var noise = new byte[random.Next(1, 2000)];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
        }
    }

    private async Task PlayAsync(Script script)
    {
        await using var client = await RawClient.ConnectAsync(server.Port, tls: false);
        var reading = client.ReadTextAsync();
        try
        {
            foreach (var piece in script.Bytes.Chunk(Math.Max(1, script.Bytes.Length / script.Pieces)))
            {
                await client.SendAsync(piece);
                await Task.Yield();
            }

            await Task.WhenAny(reading, Task.Delay(script.Patience));
        }
        catch (IOException)
        {
            // The server had enough.
        }

        if (script.Reset)
            client.Reset();
        else
            client.Close();
        try
        {
            await reading;
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
