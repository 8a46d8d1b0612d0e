namespace XapiCompat.Wire.XeCli;

/// <summary>Why bytes are not the thin-client protocol.</summary>
public enum XeFrameError
{
    /// <summary>Something else stands where the greeting should.</summary>
    NoGreeting,

    /// <summary>An HTTP answer stands where the greeting should.</summary>
    HttpAnswer,

    /// <summary>A length or a count is negative.</summary>
    NegativeLength,

    /// <summary>A frame is longer, or a list has more items, than is accepted.</summary>
    TooLong,

    /// <summary>No message has this class and tag.</summary>
    UnknownMessage,

    /// <summary>A field reaches beyond the end of its frame.</summary>
    FieldTooLong,

    /// <summary>A frame has bytes behind its last field.</summary>
    TrailingBytes,

    /// <summary>The connection ended inside a greeting, a frame or a blob.</summary>
    Truncated,
}
