using XapiCompat.Storage;

namespace XapiCompat.Core.Services;

/// <summary>
/// A client has the last byte of a download before the server has closed the disk; what it does next must not meet a disk
/// in use.
/// </summary>
internal static class ClosingDatapaths
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>True as soon as nobody has the volume open; false when somebody still has after a short while.</summary>
    public static async ValueTask<bool> WaitAsync(AttachedSr sr, string key, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (sr.IsOpen(key))
        {
            if (clock.GetElapsedTime(start) > Patience)
                return false;
            await Task.Delay(TimeSpan.FromMilliseconds(5), clock, cancellationToken);
        }

        return true;
    }
}
