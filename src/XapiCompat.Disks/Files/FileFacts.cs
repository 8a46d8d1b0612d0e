namespace XapiCompat.Disks.Files;

/// <summary>What is known of a file without opening it.</summary>
/// <param name="IsPlain">False for a link, a pipe, a device.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">Time of the last write, UTC.</param>
public readonly record struct FileFacts(bool IsPlain, long Length, DateTime Modified);
