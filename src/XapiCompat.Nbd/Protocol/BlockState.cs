namespace XapiCompat.Nbd.Protocol;

/// <summary>Flags of block descriptors, by context.</summary>
public static class BlockState
{
    /// <summary>base:allocation: stored data.</summary>
    public const uint Data = 0;

    /// <summary>base:allocation: nothing is stored (NBD_STATE_HOLE) and zeroes are read (NBD_STATE_ZERO).</summary>
    public const uint HoleZero = 3;

    /// <summary>qemu:dirty-bitmap: changed.</summary>
    public const uint Dirty = 1;
}
