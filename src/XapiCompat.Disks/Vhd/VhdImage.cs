using System.Collections.Immutable;

namespace XapiCompat.Disks.Vhd;

/// <summary>What an inspection of a file found to rely on.</summary>
/// <param name="Footer">The trailing footer, or its copy where the trailing one is torn.</param>
/// <param name="Header">Null on a fixed disk.</param>
/// <param name="Table">The BAT; without entries on a fixed disk.</param>
/// <param name="DataEnd">End of the last block or metadata, whichever is later.</param>
/// <param name="TailIsValid">The file ends with a good footer.</param>
/// <param name="CopyIsValid">The file starts with a good footer copy.</param>
/// <param name="UsableLocators">Indexes of the parent locators that own their bytes of the file.</param>
internal sealed record VhdImage(
    Footer Footer,
    DynamicHeader? Header,
    BlockTable Table,
    long DataEnd,
    bool TailIsValid,
    bool CopyIsValid,
    ImmutableArray<int> UsableLocators);
