using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>
/// The records whose encoded bytes are kept: those asked for singly, the newest few. Lists encode as they go: the bytes
/// of every record would take more memory than the records.
/// </summary>
internal sealed class KeptFragments(WireSyntax syntax)
{
    private const int Records = 1024;

    /// <summary>Larger records are encoded each time: that takes long less than sending them.</summary>
    private const int LargestBytes = 16 * 1024;

    private readonly XenStruct?[] _kept = new XenStruct?[Records];
    private int _last;

    public void Add(XenStruct record)
    {
        if (syntax.GetLength(record) > LargestBytes)
            return;
        var whole = ValueEncoder.ToArray(syntax, record);
        syntax.SetLength(record, whole.Length);
        if (whole.Length > LargestBytes)
            return;
        syntax.SetFragment(record, whole[syntax.FragmentOpen.Length..^syntax.FragmentClose.Length]);
        var place = (int)((uint)Interlocked.Increment(ref _last) % Records);
        if (Interlocked.Exchange(ref _kept[place], record) is { } oldest && oldest != record)
            syntax.SetFragment(oldest, null);
    }
}
