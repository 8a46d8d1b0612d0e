namespace XapiCompat.Wire;

/// <summary>A body that is not accepted.</summary>
public sealed class RpcReadException(RpcReadError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public RpcReadError Error { get; } = error;

    /// <summary>For <see cref="RpcReadError.NotUtf8"/>: the first offending text, shortened, bad bytes replaced by U+FFFD.</summary>
    public string? OffendingText { get; init; }

    /// <summary>For <see cref="RpcReadError.NotUtf8"/>: what to give to WriteAsync to answer with an ordinary failure.</summary>
    public RpcRequest? AnswerAs { get; init; }
}
