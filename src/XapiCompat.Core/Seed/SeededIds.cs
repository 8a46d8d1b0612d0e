using System.Buffers.Binary;
using System.Security.Cryptography;
using XapiCompat.Core.Services;

namespace XapiCompat.Core.Seed;

/// <summary>The same references and uuids in the same order for the same number: the hash of number and position.</summary>
public sealed class SeededIds(long number) : IdSource
{
    private long _position;

    public override Guid NewUuid()
    {
        Span<byte> input = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(input, number);
        BinaryPrimitives.WriteInt64BigEndian(input[8..], _position++);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x40);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

}
