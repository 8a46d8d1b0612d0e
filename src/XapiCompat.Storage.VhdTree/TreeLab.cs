using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Looks at the files of a tree and damages them on purpose, beside whoever has it attached.</summary>
internal sealed class TreeLab(TreeDirectory directory)
{
    private const byte Garbage = 0x55;

    public IReadOnlyList<LabNode> Show()
    {
        var index = new TreeIndex();
        new TreeLoader(directory, index).Load();
        return
        [
            .. index.Nodes.OrderBy(n => n.Depth).ThenBy(n => n.Id).Select(n => new LabNode(
                n.Key, n.Parent?.Key, n.Size, directory.Length(n.Id), Blocks(n.Id), n.Hidden, n.Depth, null)),
            .. index.Broken.OrderBy(b => b.Key).Select(b => new LabNode(b.Key.ToString("D"), null, 0, directory.Length(b.Key), null, false, 0, b.Value)),
        ];
    }

    public string PlantOrphanBase(Guid id, long size)
    {
        VhdFile.Create(directory.PathOf(id), new VhdCreateOptions { VirtualSize = TreeSize.Round(size), UniqueId = Guid.NewGuid(), Hidden = true }, directory.Files).Close();
        return id.ToString("D");
    }

    public Action PlantBadFooter(string key)
    {
        if (!TreeDirectory.TryParse(key, out var id) || !directory.Exists(id))
            throw StorageException.Missing(key);
        var footer = new byte[Footer.Size];
        using (var file = VhdIo.Open(directory.PathOf(id), VhdAccess.ReadWrite, directory.Files))
        {
            var at = file.Length - Footer.Size;
            file.Read(at, footer);
            file.Write(at, Enumerable.Repeat(Garbage, Footer.Size).ToArray());
        }

        // By now the file may have become a base of another name.
        return () => _ = directory.Ids(TreeDirectory.VhdSuffix).OrderBy(other => other != id).ToArray().Any(other => TryPutBack(other, footer, isThatFile: other == id));
    }

    /// <summary>True when this was the file.</summary>
    private bool TryPutBack(Guid id, byte[] footer, bool isThatFile)
    {
        try
        {
            using var file = VhdIo.Open(directory.PathOf(id), VhdAccess.ReadWrite, directory.Files);
            var at = file.Length - Footer.Size;
            if (at < 0)
                return false;
            var bytes = new byte[Footer.Size];
            file.Read(at, bytes);

            // Somebody else may have put it right.
            if (bytes.AsSpan().ContainsAnyExcept(Garbage))
                return false;

            // The copy tells what has changed since; a fixed disk has none.
            file.Read(0, bytes);
            if (!Footer.TryRead(footer, out var planted, out _) || planted.DiskType == VhdDiskType.Fixed || !Footer.TryRead(bytes, out var copy, out _))
                bytes = isThatFile ? footer : [];
            else if (copy.UniqueId != planted.UniqueId)
                return false;
            if (bytes.Length > 0)
                file.Write(at, bytes);
            return bytes.Length > 0;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }

    private int? Blocks(Guid id)
    {
        try
        {
            var file = directory.Open(id, VhdAccess.Read);
            var count = file.AllocatedBlockCount;
            file.Close();
            return count;
        }
        catch (Exception e) when (Faults.IsForeseen(e) || e is VhdFormatException)
        {
            return null;
        }
    }
}
