namespace XapiCompat.Disks.Vhd;

/// <summary>One thing that is wrong with a file.</summary>
/// <param name="Offset">Byte of the file at which the bad structure or entry starts.</param>
/// <param name="PreventsOpening">False for damage that a reader works around.</param>
public sealed record VhdFinding(VhdFormatError Error, long Offset, string Message, bool PreventsOpening);
