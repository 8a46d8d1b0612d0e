namespace XapiCompat.Disks.Vhd;

/// <summary>Time stamps of the format: whole seconds since 2000-01-01 00:00 UTC, 32 bits.</summary>
public static class VhdTime
{
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Times outside the 32 bits become the nearest one inside.</summary>
    public static uint FromDateTime(DateTimeOffset time) =>
        (uint)Math.Clamp((time - Epoch).Ticks / TimeSpan.TicksPerSecond, 0, uint.MaxValue);

    public static DateTimeOffset ToDateTime(uint seconds) => Epoch.AddSeconds(seconds);
}
