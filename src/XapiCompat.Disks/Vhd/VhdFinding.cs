namespace XapiCompat.Disks.Vhd;

/// <summary>One thing that is wrong with a file.</summary>
/// <param name="Offset">Byte of the file at which the bad structure or entry starts.</param>
public sealed record VhdFinding(VhdFormatError Error, long Offset, string Message);
