using System.Buffers.Binary;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Writes the heads of replies.</summary>
internal static class Heads
{
    public const int Simple = 16;

    /// <summary>Of a chunk, without what its type adds.</summary>
    public const int Chunk = 20;

    /// <summary>Of a chunk of data: with its offset.</summary>
    public const int Data = Chunk + 8;

    /// <summary>A whole chunk that stands for a hole.</summary>
    public const int Hole = Chunk + 12;

    private const ushort Done = 1;

    public static void WriteSimple(Span<byte> to, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, NbdMagic.SimpleReply);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], cookie);
    }

    public static void WriteChunk(Span<byte> to, ulong cookie, ChunkType type, bool done, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, NbdMagic.StructuredReply);
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], done ? Done : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(to[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(to[16..], length);
    }

    public static void WriteData(Span<byte> to, ulong cookie, bool done, long offset, int length)
    {
        WriteChunk(to, cookie, ChunkType.OffsetData, done, 8 + (uint)length);
        BinaryPrimitives.WriteInt64BigEndian(to[Chunk..], offset);
    }

    public static void WriteHole(Span<byte> to, ulong cookie, bool done, long offset, int length)
    {
        WriteChunk(to, cookie, ChunkType.OffsetHole, done, 12);
        BinaryPrimitives.WriteInt64BigEndian(to[Chunk..], offset);
        BinaryPrimitives.WriteInt32BigEndian(to[(Chunk + 8)..], length);
    }

    /// <summary>An error with an empty message.</summary>
    public static int WriteError(Span<byte> to, ulong cookie, NbdError error)
    {
        WriteChunk(to, cookie, ChunkType.Error, done: true, 6);
        BinaryPrimitives.WriteUInt32BigEndian(to[Chunk..], (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(to[(Chunk + 4)..], 0);
        return Chunk + 6;
    }
}
