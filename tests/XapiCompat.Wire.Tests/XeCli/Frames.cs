using System.Buffers;
using System.Globalization;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Frames as hex, and both ways to read them.</summary>
internal static class Frames
{
    public static byte[] Encode(params XeMessage[] messages)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in messages)
            XeFrameEncoder.Write(output, message);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Bytes from hex; blanks do not count, and 'text' stands for its bytes.</summary>
    public static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        var parts = text.Split('\'');
        for (var i = 0; i < parts.Length; i++)
            bytes.AddRange(i % 2 == 1 ? System.Text.Encoding.UTF8.GetBytes(parts[i]) : Convert.FromHexString(parts[i].Replace(" ", "", false, CultureInfo.InvariantCulture)));
        return [.. bytes];
    }

    public static XeMessage? FromSequence(byte[] bytes, XeFrameLimits? limits = null)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        return XeFrameDecoder.TryRead(ref buffer, limits ?? XeFrameLimits.OfServers);
    }

    public static XeMessage? FromStream(byte[] bytes, XeFrameLimits? limits = null, int pieces = int.MaxValue) =>
        new XeStreamReader(new PiecewiseStream(bytes, pieces), limits ?? XeFrameLimits.OfServers).Read();
}
