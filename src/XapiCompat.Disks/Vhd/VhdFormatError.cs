namespace XapiCompat.Disks.Vhd;

/// <summary>Every reason for which bytes are not accepted as a VHD.</summary>
public enum VhdFormatError
{
    None = 0,

    /// <summary>The file or buffer ends before the structure does.</summary>
    TooShort,
    FooterCookie,
    FooterVersion,
    FooterChecksum,

    /// <summary>Both footers are valid and differ in size, type or unique id.</summary>
    FooterDisagreement,

    /// <summary>Disk type other than fixed, dynamic and differencing.</summary>
    DiskType,

    /// <summary>Zero, negative, not a whole number of sectors, or above 2040 GiB.</summary>
    VirtualSize,

    /// <summary>The footer's data offset does not point to a dynamic header inside the file.</summary>
    HeaderOffset,
    HeaderCookie,
    HeaderVersion,
    HeaderChecksum,

    /// <summary>Not a power of two between 4 KiB and 64 MiB, or unlike the rest of the chain.</summary>
    BlockSize,

    /// <summary>The BAT overlaps footer copy or header, is not sector-aligned, or starts outside the file.</summary>
    TableOffset,

    /// <summary>The BAT has fewer entries than the virtual size has blocks, or absurdly many.</summary>
    TableEntries,

    /// <summary>The BAT runs past the end of the file.</summary>
    TableTruncated,

    /// <summary>A BAT entry points past the end of the file.</summary>
    BlockPastEnd,

    /// <summary>A BAT entry points into footer copy, header, BAT, batmap or a locator.</summary>
    BlockOverlapsMetadata,

    /// <summary>Two BAT entries share bytes.</summary>
    BlockOverlapsBlock,

    /// <summary>A fixed disk is shorter than its virtual size.</summary>
    DataTruncated,
    BatmapCookie,
    BatmapRange,
    BatmapChecksum,

    /// <summary>A parent locator points outside the file or into other metadata.</summary>
    LocatorRange,

    /// <summary>The parent unique id is the disk's own.</summary>
    SelfParent,

    /// <summary>A differencing disk stands last in a chain.</summary>
    ParentMissing,

    /// <summary>The next layer of a chain is not the parent that the disk names.</summary>
    ParentMismatch,
}
