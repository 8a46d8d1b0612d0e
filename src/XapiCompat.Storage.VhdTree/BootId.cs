namespace XapiCompat.Storage.VhdTree;

/// <summary>What the kernel calls its current run.</summary>
internal static class BootId
{
    private const string Source = "/proc/sys/kernel/random/boot_id";

    /// <summary>Where the kernel has none, each process counts as a boot of its own: tracking then ends with its interruption.</summary>
    public static Guid Current { get; } =
        File.Exists(Source) && Guid.TryParse(File.ReadAllText(Source).Trim(), out var id) ? id : Guid.NewGuid();
}
