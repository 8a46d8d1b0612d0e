using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Streams;

/// <summary>The end of a decoding run that neither the input nor the target broke with an exception.</summary>
/// <param name="Failure">None on success.</param>
/// <param name="FormatError">What is wrong with a VHD; set exactly when a VHD is <see cref="DecodeFailure.Malformed"/>.</param>
/// <param name="Detail">One line for a log, with offsets in bytes; empty on success.</param>
/// <param name="BytesConsumed">Bytes taken from the pipe.</param>
/// <param name="BytesApplied">Bytes of the target that were overwritten, zeroes included.</param>
public sealed record DecodeResult(DecodeFailure Failure, VhdFormatError? FormatError, string Detail, long BytesConsumed, long BytesApplied)
{
    public bool Succeeded => Failure == DecodeFailure.None;
}
