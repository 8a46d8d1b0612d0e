using System.Buffers.Binary;
using System.Text;

namespace XapiCompat.Server.Tests.Support;

/// <summary>A message of the server to the thin client.</summary>
/// <param name="Name">As the protocol's description calls it.</param>
/// <param name="Texts">Its strings in order; of Error the code, then the list.</param>
/// <param name="Number">The code of Exit.</param>
internal sealed record XeCommandFrame(string Name, IReadOnlyList<string> Texts, int Number = 0)
{
    public static XeCommandFrame Parse(byte[] payload)
    {
        var at = 0;
        int Int()
        {
            at += 4;
            return BinaryPrimitives.ReadInt32LittleEndian(payload.AsSpan(at - 4, 4));
        }

        string Text()
        {
            var length = Int();
            at += length;
            return Encoding.UTF8.GetString(payload, at - length, length);
        }

        if (Int() != 9)
            throw new InvalidDataException("no command: " + Convert.ToHexString(payload));
        XeCommandFrame frame = Int() switch
        {
            0 => new("Print", [Text()]),
            1 => new("Load", [Text()]),
            3 => new("Prompt", []),
            4 => new("Exit", [], Int()),
            12 => new("HttpGet", [Text(), Text()]),
            13 => new("HttpPut", [Text(), Text()]),
            14 => new("Error", [Text(), .. Enumerable.Range(0, Int()).Select(_ => Text())]),
            15 => new("Debug", [Text()]),
            16 => new("PrintStderr", [Text()]),
            17 => new("HttpConnect", [Text()]),
            var tag => throw new InvalidDataException("no such command: " + tag),
        };
        return at == payload.Length ? frame : throw new InvalidDataException("bytes behind the end of " + frame.Name);
    }
}
