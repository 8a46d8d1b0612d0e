using System.Security.Cryptography;

namespace XapiCompat.Core.Services;

/// <summary>Makes references and uuids: random (version 4) uuids of 122 bits from the system's strong source.</summary>
public class IdSource
{
    public virtual Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public string NewReference() => Values.Ref.Prefix + NewUuid().ToString("D");

    public string NewUuidText() => NewUuid().ToString("D");
}
