namespace XapiCompat.Storage.VhdTree;

/// <summary>What a chain of logs says about two of its states.</summary>
internal static class CbtChain
{
    private static readonly byte[] Reversed = [.. Enumerable.Range(0, 256).Select(Reverse)];

    /// <summary>
    /// The bits of all logs from the one that descends from <paramref name="from"/> to <paramref name="to"/>, most significant bit first, as
    /// many as the size of <paramref name="to"/> takes. A log may be longer than its disk.
    /// </summary>
    public static byte[] Changes(CbtLogs logs, Guid from, long fromSize, Guid to, long size)
    {
        if (logs.Find(from) is not { } first || logs.Find(to) is not { } last)
            throw Unrelated();
        if (fromSize > size)
            throw new StorageException(StorageFault.CbtMetadata, "the log of changed blocks does not fit [opterr=the VDI is smaller than its ancestor]");
        var bits = new byte[CbtFormat.BitmapLength(size)];
        var seen = new HashSet<Guid>();
        for (var log = last; log != first; log = logs.ParentOf(log) ?? throw Unrelated())
        {
            if (!seen.Add(log.Id))
                throw Unrelated();
            CbtFormat.Add(bits, log.ReadBits());
        }

        CbtFormat.Trim(bits, size);
        for (var i = 0; i < bits.Length; i++)
            bits[i] = Reversed[bits[i]];
        return bits;
    }

    private static StorageException Unrelated() =>
        new(StorageFault.CbtChangedBlocks, "the changed blocks cannot be listed [opterr=Source and target VDI are unrelated]");

    private static byte Reverse(int value)
    {
        var reversed = 0;
        for (var bit = 0; bit < 8; bit++)
            reversed |= (value >> bit & 1) << 7 - bit;
        return (byte)reversed;
    }
}
