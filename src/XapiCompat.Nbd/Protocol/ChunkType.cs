namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_REPLY_TYPE_*: kinds of chunks of a structured reply.</summary>
public enum ChunkType
{
    None = 0,
    OffsetData = 1,
    OffsetHole = 2,
    BlockStatus = 5,
    Error = (1 << 15) + 1,
}
