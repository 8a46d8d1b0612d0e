namespace XapiCompat.Disks.Vhd;

/// <summary>Bytes that are not a usable VHD; <see cref="Error"/> names the reason.</summary>
public sealed class VhdFormatException(VhdFormatError error, string detail)
    : IOException(error + ": " + detail)
{
    public VhdFormatError Error { get; } = error;
}
