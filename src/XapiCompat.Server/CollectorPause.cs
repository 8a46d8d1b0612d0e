using System.Runtime;
using XapiCompat.Core.Seed;

namespace XapiCompat.Server;

/// <summary>
/// Holds the garbage collector back while a large inventory is loaded: nearly all that is made then stays, and collections
/// would only copy it. One at a time in a process; without one everything works the same, only slower.
/// </summary>
internal sealed class CollectorPause : IDisposable
{
    /// <summary>Bytes; what a load needs beyond is collected as usual.</summary>
    private const long Most = 768L << 20;

    /// <summary>Bytes; granted also where the runtime's heap has another form.</summary>
    private const long MostEverywhere = 240L << 20;

    /// <summary>Bytes; a load that needs less is done in no time anyway.</summary>
    private const long Little = 64L << 20;

    /// <summary>Objects are about so many times as large in memory as in the database, with what is made on the way.</summary>
    private const int Growth = 8;

    /// <summary>Bytes that each VM and each disk of a seed take, with what belongs to it.</summary>
    private const long Seeded = 16L << 10;

    private bool _holds;

    private CollectorPause(bool holds) => _holds = holds;

    /// <param name="database">Path of the database file; it need not be there.</param>
    public static CollectorPause For(string database, SeedOptions seed)
    {
        var file = new FileInfo(database);
        var needed = file.Exists ? file.Length * Growth : ((seed.Vms ?? 0) + (seed.Vdis ?? 0)) * Seeded;
        return new(needed >= Little && (TryBegin(Math.Min(Most, needed)) || TryBegin(MostEverywhere)));
    }

    public void Dispose()
    {
        if (!_holds || GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
            return;
        _holds = false;
        try
        {
            GC.EndNoGCRegion();
        }
        catch (InvalidOperationException)
        {
            // A collection came in between, which ends it too.
        }
    }

    private static bool TryBegin(long bytes)
    {
        try
        {
            return GC.TryStartNoGCRegion(bytes, disallowFullBlockingGC: true);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentOutOfRangeException)
        {
            return false;
        }
    }
}
