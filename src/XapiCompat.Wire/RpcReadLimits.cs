using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>How much of a body is read before it is refused.</summary>
public sealed class RpcReadLimits
{
    /// <summary>Nested arrays and structs inside one argument.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>Values in the whole call, arrays and structs included.</summary>
    public int MaxNodes { get; init; } = 1_000_000;

    /// <summary>Bytes read while the method is not yet known.</summary>
    public long InitialBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes the whole body may have. Asked with the method's name as soon as it is known (second argument null), and again
    /// when the first argument is complete.
    /// </summary>
    public required Func<string, XenValue?, long> AllowedBytes { get; init; }
}
