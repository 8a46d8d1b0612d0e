using System.Globalization;
using FluentAssertions;
using XapiCompat.Server.Tests.Connections;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>The manners in which clients upload.</summary>
public enum Manner
{
    /// <summary>HTTP/1.0 without any length; waits for the head before it sends.</summary>
    NoLength,

    /// <summary>With Content-Length; waits for the head before it sends.</summary>
    WaitsForHead,

    /// <summary>Announces a petabyte and cuts the socket after the last byte.</summary>
    Petabyte,

    /// <summary>With Content-Length; half-closes or closes right after the last byte.</summary>
    ClosesAtOnce,

    /// <summary>HTTP chunks.</summary>
    Chunked,

    /// <summary>Asks for 100-continue and waits for it, or for the head.</summary>
    Expect,

    /// <summary>An empty request first, then the real one on the same connection.</summary>
    ProbeFirst,

    /// <summary>One of the other manners behind a request on a kept-alive connection.</summary>
    KeptAlive,
}

/// <summary>Writes one upload in the order of bytes of its manner.</summary>
internal static class UploadForms
{
    private const string Petabyte = "1125899906842624";

    public static bool KnowsLength(Manner manner, int variant) =>
        manner == Manner.KeptAlive ? KnowsLength(Behind(variant), variant)
        : manner is not (Manner.NoLength or Manner.Petabyte or Manner.Chunked);

    /// <summary>Sends, and reads the answer to its end unless the manner leaves before.</summary>
    /// <param name="target">Path and query without task.</param>
    /// <param name="variant">Chooses between the ways to leave.</param>
    /// <returns>True when the end of the answer was seen: the task must have ended by then.</returns>
    public static async Task<bool> RunAsync(
        RawClient client, ITransferRig rig, Manner manner, string target, string task, ReadOnlyMemory<byte> body, int variant)
    {
        if (manner == Manner.KeptAlive)
        {
            await client.SendAsync(rig.SmallRequest);
            await ReadAnswerAsync(client);
            return await RunAsync(client, rig, Behind(variant), target, task, body, variant / 4);
        }

        var line = $"PUT {target}&task_id={task}";
        var length = "Content-Length: " + body.Length.ToString(CultureInfo.InvariantCulture);
        switch (manner)
        {
            case Manner.NoLength:
                await client.SendAsync($"{line} HTTP/1.0\r\n\r\n");
                await HeadAsync(client, task);
                await client.SendAsync(body);
                return await LeaveAsync(client, variant);
            case Manner.WaitsForHead:
                await client.SendAsync(variant % 2 == 0 ? $"{line} HTTP/1.0\r\n{length}\r\n\r\n" : $"{line} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n");
                await HeadAsync(client, task);
                await client.SendAsync(body);
                return await RestAsync(client, variant % 2 == 1);
            case Manner.Petabyte:
                await client.SendAsync($"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {Petabyte}\r\n\r\n");
                await HeadAsync(client, task);
                await client.SendAsync(body);
                client.Close();
                return false;
            case Manner.ClosesAtOnce:
                await client.SendAsync($"{line} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n");
                return await CloseAtOnceAsync(client, task, body, variant);
            case Manner.Chunked:
                await client.SendAsync($"{line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
                await ChunksAsync(client, body);
                await HeadAsync(client, task);
                return await RestAsync(client, chunked: true);
            case Manner.Expect:
                await client.SendAsync($"{line} HTTP/1.1\r\nHost: x\r\n{length}\r\nExpect: 100-continue\r\n\r\n");
                await HeadAsync(client, task);
                await client.SendAsync(body);
                return await RestAsync(client, chunked: true);
            case Manner.ProbeFirst:
                await client.SendAsync($"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
                (await ReadAnswerAsync(client)).Should().StartWith("HTTP/1.1 200 ");
                await client.SendAsync($"{line} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n");
                await client.SendAsync(body);
                await HeadAsync(client, task);
                return await RestAsync(client, chunked: true);
            default:
                throw new ArgumentOutOfRangeException(nameof(manner));
        }
    }

    /// <summary>Reads one answer, of known length or in chunks, and returns its head.</summary>
    public static async Task<string> ReadAnswerAsync(RawClient client)
    {
        var head = await client.ReadHeadAsync();
        var at = head.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
        if (at >= 0)
        {
            await client.ReadExactlyAsync(Number(head[(at + 16)..], NumberStyles.Integer));
            return head;
        }

        for (var length = -1; length != 0;)
        {
            length = Number(await client.ReadUntilAsync("\r\n"), NumberStyles.HexNumber);
            await client.ReadExactlyAsync(length + 2);
        }

        return head;
    }

    private static int Number(string line, NumberStyles style) => int.Parse(line.Split('\r')[0], style, CultureInfo.InvariantCulture);

    private static Manner Behind(int variant) => (variant % 4) switch
    {
        0 => Manner.ClosesAtOnce,
        1 => Manner.Chunked,
        2 => Manner.Petabyte,
        _ => Manner.WaitsForHead,
    };

    private static async Task<bool> LeaveAsync(RawClient client, int variant)
    {
        if (variant % 2 == 0)
        {
            client.HalfClose();
            return await RestAsync(client, chunked: false);
        }

        client.Close();
        return false;
    }

    private static async Task<bool> CloseAtOnceAsync(RawClient client, string task, ReadOnlyMemory<byte> body, int variant)
    {
        if (variant % 2 == 0)
        {
            await client.SendAsync(body);
            client.HalfClose();
            await HeadAsync(client, task);
            return await RestAsync(client, chunked: true);
        }

        // The head must be out of the kernel's buffer: closing over unread bytes is a reset and not an end.
        var last = Math.Max(0, body.Length - 1);
        await client.SendAsync(body[..last]);
        await HeadAsync(client, task);
        await client.SendAsync(body[last..]);
        client.Close();
        return false;
    }

    private static async Task ChunksAsync(RawClient client, ReadOnlyMemory<byte> body)
    {
        for (var rest = body; !rest.IsEmpty;)
        {
            var chunk = rest[..Math.Min(rest.Length, 100_000)];
            await client.SendAsync(chunk.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
            await client.SendAsync(chunk);
            await client.SendAsync("\r\n");
            rest = rest[chunk.Length..];
        }

        await client.SendAsync("0\r\n\r\n");
    }

    private static async Task HeadAsync(RawClient client, string task)
    {
        var head = await client.ReadHeadAsync();
        if (head.StartsWith("HTTP/1.1 100 ", StringComparison.Ordinal))
            head = await client.ReadHeadAsync();
        head.Should().StartWith("HTTP/1.1 200 ").And.Contain("task-id: " + task).And.NotContain("Content-Length");
    }

    private static async Task<bool> RestAsync(RawClient client, bool chunked)
    {
        if (chunked)
            (await client.ReadExactlyAsync(5)).Should().Equal("0\r\n\r\n"u8.ToArray());
        else
            (await client.ReadTextAsync()).Should().BeEmpty();
        return true;
    }
}
