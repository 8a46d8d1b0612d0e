using System.Collections.Concurrent;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Buffers for one piece of data with the heads around it. They are kept, as many as were in use at once, up to a limit.</summary>
internal static class NbdBuffers
{
    /// <summary>Room for a piece and for the heads of some dozen chunks.</summary>
    public const int Size = NbdLimits.Piece + 4096;

    private const int MostKept = 64;
    private static readonly ConcurrentBag<byte[]> Kept = [];
    private static int _kept;

    public static byte[] Rent()
    {
        if (!Kept.TryTake(out var buffer))
            return GC.AllocateUninitializedArray<byte>(Size, pinned: true);
        Interlocked.Decrement(ref _kept);
        return buffer;
    }

    public static void Return(byte[] buffer)
    {
        if (Interlocked.Increment(ref _kept) <= MostKept)
            Kept.Add(buffer);
        else
            Interlocked.Decrement(ref _kept);
    }
}
