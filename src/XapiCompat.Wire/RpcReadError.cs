namespace XapiCompat.Wire;

/// <summary>Why a body was refused.</summary>
public enum RpcReadError
{
    /// <summary>Not well-formed, or well-formed and no call.</summary>
    Malformed,

    /// <summary>A document type or entity declaration.</summary>
    Dtd,

    TooDeep,

    TooManyNodes,

    TooLarge,

    /// <summary>The document is a call, but one of its texts is not valid UTF-8. It was read to its end.</summary>
    NotUtf8,
}
