using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>How much a file that is no usable part of the tree tells of what it stands on.</summary>
internal enum ClaimKind
{
    /// <summary>Nothing that can be relied on.</summary>
    Unknown,

    /// <summary>A sound footer says that it stands on nothing.</summary>
    None,

    /// <summary>A sound header names the parent.</summary>
    Named,

    /// <summary>So does a damaged header, which is to be believed only when name and id belong together.</summary>
    Damaged,
}

/// <summary>What a file says of its parent.</summary>
/// <param name="Parent">The uuid in the parent's name; null for a name that is none of the directory.</param>
/// <param name="UniqueId">The parent's unique id.</param>
internal readonly record struct ParentClaim(ClaimKind Kind, Guid? Parent = null, Guid UniqueId = default)
{
    public static ParentClaim Of(VhdHead head) => head.HasParent
        ? new(ClaimKind.Named, TreeDirectory.ParentId(head.Header!.Value.ParentName), head.Header.Value.ParentUniqueId)
        : new(ClaimKind.None);

    /// <summary>Looks at a file whose head is not in order. A file without a sound footer tells nothing: it may be in the making.</summary>
    public static ParentClaim Read(TreeDirectory directory, Guid id) => Read(directory, id.ToString("D") + TreeDirectory.VhdSuffix);

    /// <summary>By the file's name, whatever that is.</summary>
    public static ParentClaim Read(TreeDirectory directory, string name)
    {
        try
        {
            using var file = VhdIo.Open(System.IO.Path.Combine(directory.Path, name), VhdAccess.Read, directory.Files);
            return Read(file);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return default;
        }
    }

    private static ParentClaim Read(VhdIo file)
    {
        Span<byte> buffer = stackalloc byte[DynamicHeader.Size];
        if (ReadFooter(file, buffer) is not { } footer)
            return default;
        if (footer.DiskType is VhdDiskType.Fixed or VhdDiskType.Dynamic)
            return new(ClaimKind.None);
        if (footer.DiskType != VhdDiskType.Differencing || footer.DataOffset > (ulong)Math.Max(0, file.Length - DynamicHeader.Size))
            return default;
        file.Read((long)footer.DataOffset, buffer);
        if (DynamicHeader.TryRead(buffer, out var header, out _))
            return new(ClaimKind.Named, TreeDirectory.ParentId(header.ParentName), header.ParentUniqueId);
        var (name, uniqueId) = DynamicHeader.ReadParent(buffer);
        return TreeDirectory.ParentId(name) is { } parent ? new(ClaimKind.Damaged, parent, uniqueId) : default;
    }

    private static Footer? ReadFooter(VhdIo file, Span<byte> buffer)
    {
        if (file.Length < Footer.Size)
            return null;
        foreach (var offset in (long[])[file.Length - Footer.Size, 0])
        {
            file.Read(offset, buffer[..Footer.Size]);
            if (Footer.TryRead(buffer, out var footer, out _))
                return footer;
        }

        return null;
    }
}
