using System.Buffers.Binary;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Testing;

/// <summary>A simple reply, or a chunk of a structured one.</summary>
/// <param name="Type">Null for a simple reply.</param>
public sealed record NbdMessage(ulong Cookie, bool Done, ChunkType? Type, NbdError Error, byte[] Data)
{
    /// <summary>Puts what was read where it belongs; returns how many bytes it stands for.</summary>
    public long CopyTo(byte[] result, long start)
    {
        if (Type is null)
        {
            Data.CopyTo(result, 0);
            return Data.Length;
        }

        var at = (int)(BinaryPrimitives.ReadInt64BigEndian(Data) - start);
        if (Type == ChunkType.OffsetData)
        {
            Data.AsSpan(8).CopyTo(result.AsSpan(at));
            return Data.Length - 8;
        }

        if (Type != ChunkType.OffsetHole)
            throw new InvalidDataException("an unexpected chunk: " + Type);
        var length = BinaryPrimitives.ReadInt32BigEndian(Data.AsSpan(8));
        result.AsSpan(at, length).Clear();
        return length;
    }
}
