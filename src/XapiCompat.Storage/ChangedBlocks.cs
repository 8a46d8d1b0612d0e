namespace XapiCompat.Storage;

/// <summary>The blocks of a volume that were written.</summary>
/// <param name="Granularity">Bytes per bit.</param>
/// <param name="Bitmap">
/// Bit i, from the most significant bit of the first byte on, stands for block i; as many bytes as the volume's size takes, unused bits 0.
/// </param>
public sealed record ChangedBlocks(int Granularity, ReadOnlyMemory<byte> Bitmap);
