namespace XapiCompat.Wire.XeCli;

/// <summary>How much one frame may carry.</summary>
public sealed record XeFrameLimits
{
    /// <summary>For a server: what clients send in frames is short, their blobs travel outside.</summary>
    public static XeFrameLimits OfClients { get; } = new() { MaxFrameLength = 1024, MaxListCount = 16 };

    /// <summary>For a client: one frame may hold the whole output of a command.</summary>
    public static XeFrameLimits OfServers { get; } = new();

    /// <summary>Bytes of a payload.</summary>
    public int MaxFrameLength { get; init; } = 256 * 1024 * 1024;

    /// <summary>Items of a list.</summary>
    public int MaxListCount { get; init; } = 65536;
}
