using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Streams;

/// <summary>Carries a refusal from the depth of the decoder to its surface, where it becomes a result.</summary>
internal sealed class StreamRefusedException : Exception
{
    public StreamRefusedException(VhdFormatError error, string detail)
        : base(error + ": " + detail) => (Failure, Error) = (DecodeFailure.Malformed, error);

    /// <summary>An end of input that is too early.</summary>
    public StreamRefusedException(string detail)
        : base(detail) => Failure = DecodeFailure.UnexpectedEnd;

    public StreamRefusedException(DecodeFailure failure, string detail)
        : base(detail) => Failure = failure;

    public DecodeFailure Failure { get; }

    public VhdFormatError? Error { get; }
}
