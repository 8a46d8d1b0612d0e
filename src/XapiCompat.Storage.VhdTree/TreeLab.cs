using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Looks at the files of a tree and damages them on purpose, beside whoever has it attached.</summary>
internal sealed class TreeLab(TreeDirectory directory)
{
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
        var path = directory.PathOf(id);
        var footer = new byte[Footer.Size];
        long at;
        using (var file = VhdIo.Open(path, VhdAccess.ReadWrite, directory.Files))
        {
            at = file.Length - Footer.Size;
            file.Read(at, footer);
            file.Write(at, Enumerable.Repeat((byte)0x55, Footer.Size).ToArray());
        }

        return () =>
        {
            if (!directory.Exists(id))
                return;
            using var file = VhdIo.Open(path, VhdAccess.ReadWrite, directory.Files);
            var now = new byte[Footer.Size];
            if (file.Length != at + Footer.Size)
                return;
            file.Read(at, now);

            // Somebody else may have put it right.
            if (!now.AsSpan().ContainsAnyExcept((byte)0x55))
                file.Write(at, footer);
        };
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
