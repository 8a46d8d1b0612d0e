using System.Buffers;
using System.Globalization;
using System.Text;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Xe.Tests.Support;

/// <summary>The server's end of one connection of xe, driven by a test.</summary>
internal sealed class Peer(Stream stream) : IDisposable
{
    private readonly XeStreamReader _reader = new(stream, XeFrameLimits.OfClients);

    /// <summary>Head and, when it has a length, body of a request.</summary>
    public string ReadRequest()
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            text.Append((char)ReadBytes(1)[0]);
        var head = text.ToString();
        var at = head.IndexOf("content-length: ", StringComparison.OrdinalIgnoreCase);
        if (at < 0 || !head.StartsWith("POST", StringComparison.Ordinal))
            return head;
        var number = head[(at + 16)..head.IndexOf('\r', at)];
        return head + Encoding.UTF8.GetString(ReadBytes(int.Parse(number, CultureInfo.InvariantCulture)));
    }

    /// <summary>Greets and reads the greeting of the client.</summary>
    public XeGreeting Greet(int minor = 2, int major = 0)
    {
        var greeting = new ArrayBufferWriter<byte>();
        new XeGreeting(major, minor).Write(greeting);
        Send(greeting.WrittenSpan.ToArray());
        return _reader.ReadGreeting() ?? throw new EndOfStreamException("xe sent no greeting");
    }

    public void Send(params XeMessage[] messages)
    {
        var frames = new ArrayBufferWriter<byte>();
        foreach (var message in messages)
            XeFrameEncoder.Write(frames, message);
        Send(frames.WrittenSpan.ToArray());
    }

    public void Send(byte[] bytes)
    {
        stream.Write(bytes);
        stream.Flush();
    }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    /// <summary>The next message; null at the end.</summary>
    public XeMessage? Read() => _reader.Read();

    public byte[] ReadBytes(int count)
    {
        var bytes = new byte[count];
        for (var have = 0; have < count;)
        {
            var more = _reader.ReadRaw(bytes.AsSpan(have));
            if (more == 0)
                throw new EndOfStreamException($"xe ended after {have} of {count} bytes: {Encoding.Latin1.GetString(bytes, 0, have)}");
            have += more;
        }

        return bytes;
    }

    public byte[] ReadToEnd()
    {
        using var all = new MemoryStream();
        var piece = new byte[64 * 1024];
        for (int count; (count = _reader.ReadRaw(piece)) > 0;)
            all.Write(piece, 0, count);
        return all.ToArray();
    }

    public void Dispose() => stream.Dispose();
}
