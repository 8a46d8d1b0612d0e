namespace XapiCompat.Disks.Streams;

/// <summary>Why a stream was refused. What was written before stays written.</summary>
public enum DecodeFailure
{
    /// <summary>None: success.</summary>
    None,

    /// <summary>The input ended before the stream was whole.</summary>
    UnexpectedEnd,

    /// <summary>The bytes are not a stream of this format that can be read strictly forward.</summary>
    Malformed,

    /// <summary>There is data for positions past the end of the target.</summary>
    OutOfRange,
}
