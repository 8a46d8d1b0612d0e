using XapiCompat.Disks;
using XapiCompat.Disks.Files;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The directory of a tree and every step taken in it. Names: <c>&lt;uuid&gt;.vhd</c>, its sidecar <c>&lt;uuid&gt;.meta</c>, the leaf
/// <c>&lt;uuid&gt;.vhd.new</c> that is about to replace one, and the file <c>&lt;uuid&gt;.vhd.tmp</c> that is about to become one;
/// <c>&lt;uuid&gt;.raw</c> and <c>&lt;uuid&gt;.raw.tmp</c> for volumes that are plain files; <see cref="CbtFormat"/> names the logs of written blocks.
/// </summary>
internal sealed partial class TreeDirectory(string path, VhdTreeOptions options, TimeProvider time)
{
    public const string VhdSuffix = ".vhd";
    public const string NewSuffix = ".vhd.new";
    public const string TemporarySuffix = ".vhd.tmp";
    public const string RawSuffix = ".raw";
    public const string RawTemporarySuffix = ".raw.tmp";
    public const string MetaSuffix = ".meta";
    public const string MetaNewSuffix = ".meta.new";

    private static readonly string[] Suffixes = [VhdSuffix, NewSuffix, TemporarySuffix, RawSuffix, RawTemporarySuffix, MetaSuffix, MetaNewSuffix, .. CbtFormat.Suffixes];

    public string Path { get; } = path;

    public bool Durable => options.Durable;

    /// <summary>Differs when power was lost in between.</summary>
    public Guid Boot => options.Boot ?? BootId.Current;

    public string PathOf(Guid id, string suffix = VhdSuffix) => System.IO.Path.Combine(Path, id.ToString("D") + suffix);

    public FileLayer Files { get; } = new PlainFiles(options.Files);

    /// <summary>A file of the tree as a disk.</summary>
    public VhdFile Open(Guid id, VhdAccess access) => VhdFile.Open(PathOf(id), access, Files);

    public VhdHead? TryReadHead(Guid id, out string problem, string suffix = VhdSuffix) => VhdHead.TryRead(PathOf(id, suffix), out problem, Files);

    /// <inheritdoc cref="DirectPath.Find"/>
    public FileFacts? Find(string path)
    {
        Files.Pass(FileCall.Find, path);
        return DirectPath.Find(path);
    }

    public bool Exists(Guid id, string suffix = VhdSuffix) => Find(PathOf(id, suffix)) is not null;

    /// <summary>Bytes of a file; 0 when it is gone, and also when it cannot be looked at: a size is no reason for an operation to fail.</summary>
    public long Length(string path)
    {
        try
        {
            return Find(path) is { IsPlain: true } file ? file.Length : 0;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return 0;
        }
    }

    /// <inheritdoc cref="Length(string)"/>
    public long Length(Guid id, string suffix = VhdSuffix) => Length(PathOf(id, suffix));

    public bool IsPlain(Guid id, string suffix) => Find(PathOf(id, suffix)) is { IsPlain: true };

    /// <summary>
    /// The uuids of all files with this suffix and a name as given here; others are none of ours. Of disks also those that are links
    /// or pipes, so that whoever opens them can say what is wrong.
    /// </summary>
    public IEnumerable<Guid> Ids(string suffix)
    {
        Files.Pass(FileCall.List, Path);
        foreach (var name in DirectPath.FileNames(Path, "*" + suffix))
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal) && TryParse(name.AsSpan(0, name.Length - suffix.Length), out var id)
                && (suffix == VhdSuffix || IsPlain(id, suffix)))
                yield return id;
        }
    }

    /// <summary>Names of files and directories that are none of this tree.</summary>
    public IEnumerable<string> ForeignNames() => DirectPath.EntryNames(Path).Where(name => !IsOurs(name) || IsOddOne(name));

    /// <summary>Names of disks that are none of this tree.</summary>
    public IEnumerable<string> OtherDisks() => DirectPath.FileNames(Path)
        .Where(name => name.EndsWith(VhdSuffix, StringComparison.OrdinalIgnoreCase) && !IsOurs(name));

    /// <summary>True for links, pipes and the like in the place of a file that is none of the disks themselves.</summary>
    private bool IsOddOne(string name) =>
        !name.EndsWith(VhdSuffix, StringComparison.Ordinal) && Find(System.IO.Path.Combine(Path, name)) is { IsPlain: false };

    private static bool IsOurs(string name) => IsJournal(name) || Array.Exists(
        Suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal) && TryParse(name.AsSpan(0, name.Length - suffix.Length), out _));

    /// <summary>True when there is a log of written blocks in any state: most trees have none.</summary>
    public bool HasLogs()
    {
        Files.Pass(FileCall.List, Path);
        return DirectPath.FileNames(Path, "*" + CbtFormat.Suffix + "*").Count > 0;
    }

    /// <summary>The uuid in a bare <c>&lt;uuid&gt;.vhd</c>; any other name (a path above all) gives null.</summary>
    public static Guid? ParentId(string name) =>
        name.EndsWith(VhdSuffix, StringComparison.Ordinal) && TryParse(name.AsSpan(0, name.Length - VhdSuffix.Length), out var id) ? id : null;

    public static bool TryParse(ReadOnlySpan<char> text, out Guid id) =>
        Guid.TryParseExact(text, "D", out id) && text.SequenceEqual(id.ToString("D"));

    /// <summary>Writes the headers of an empty disk, with <paramref name="parent"/> as the parent's name and id.</summary>
    public async ValueTask WriteDiskAsync(string path, long size, Guid uniqueId, (Guid Id, Guid UniqueId, string Path)? parent)
    {
        Step("write " + path);
        var create = new VhdCreateOptions
        {
            VirtualSize = size,
            UniqueId = uniqueId,
            Timestamp = time.GetUtcNow(),
            Durable = options.Durable,
            Overwrite = true,
        };
        if (parent is { } p)
        {
            create = create with
            {
                DiskType = VhdDiskType.Differencing,
                ParentUniqueId = p.UniqueId,
                ParentName = p.Id.ToString("D") + VhdSuffix,
                ParentTimestamp = new DateTimeOffset(Find(p.Path)?.Modified ?? DateTime.UnixEpoch),
            };
        }

        await VhdFile.Create(path, create, Files).DisposeAsync();
    }

    /// <summary>Writes a plain file that is one hole.</summary>
    public void WriteRaw(string path, long size)
    {
        Step("write " + path);
        using var file = VhdIo.Create(path, overwrite: true, Files);
        file.Length = size;
        if (options.Durable)
            file.Flush();
    }

    public ValueTask WriteMetaAsync(Guid id, VolumeMeta meta)
    {
        var temporary = PathOf(id, MetaNewSuffix);
        try
        {
            Step("write " + temporary);
            using (var file = VhdIo.Create(temporary, overwrite: true, Files))
            {
                file.Write(0, Sidecar.Write(meta));
                if (options.Durable)
                    file.Flush();
            }

            Move(temporary, PathOf(id, MetaSuffix));
            return ValueTask.CompletedTask;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            TryDelete(id, MetaNewSuffix);
            throw;
        }
    }

    /// <summary>Null without a sidecar; one that is not to be understood, or no plain file, counts as none.</summary>
    public VolumeMeta? ReadMeta(Guid id)
    {
        var path = PathOf(id, MetaSuffix);
        if (Find(path) is not { IsPlain: true })
            return null;
        Files.Pass(FileCall.Open, path);
        Files.Pass(FileCall.Read, path);
        return Sidecar.TryRead(DirectPath.ReadAllBytes(path));
    }

    /// <summary>Gives a leaf the further name of a base; where links are not to be had (false), the base takes the leaf's place.</summary>
    public bool LinkOrMove(Guid leaf, Guid @base)
    {
        Step("link " + @base);
        Files.Pass(FileCall.Link, PathOf(@base));
        if (options.HardLinks && DirectPath.TryLink(PathOf(leaf), PathOf(@base)))
            return true;
        Files.Pass(FileCall.Move, PathOf(@base));
        if (Exists(@base))
            throw new IOException("there is such a file: " + PathOf(@base));
        DirectPath.Move(PathOf(leaf), PathOf(@base));
        return false;
    }

    public void Move(string from, string to)
    {
        Step("move " + from);
        Files.Pass(FileCall.Move, to);
        DirectPath.Move(from, to);
    }

    public void Delete(string path)
    {
        Step("delete " + path);
        Files.Pass(FileCall.Delete, path);
        DirectPath.Delete(path);
    }

    /// <summary>Clears up after a failure; what stays goes with the next attach.</summary>
    public bool TryDelete(Guid id, string suffix)
    {
        try
        {
            Files.Pass(FileCall.Delete, PathOf(id, suffix));
            DirectPath.Delete(PathOf(id, suffix));
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }

    /// <summary>Clears up all files of a volume that did not come into being.</summary>
    public void TryDeleteAll(Guid id)
    {
        foreach (var suffix in new[] { VhdSuffix, TemporarySuffix, MetaSuffix, MetaNewSuffix })
            TryDelete(id, suffix);
    }

    /// <summary>Gives a file its old name back after a failure.</summary>
    public bool TryMove(Guid from, Guid to)
    {
        try
        {
            Files.Pass(FileCall.Move, PathOf(to));
            DirectPath.Move(PathOf(from), PathOf(to));
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }

    /// <summary>Removes every file of the tree, and nothing else.</summary>
    public void DeleteAll()
    {
        foreach (var suffix in (string[])[NewSuffix, TemporarySuffix, VhdSuffix, RawTemporarySuffix, RawSuffix, MetaNewSuffix, MetaSuffix, .. CbtFormat.Suffixes])
        {
            foreach (var id in Ids(suffix).ToArray())
                Delete(PathOf(id, suffix));
        }

        foreach (var (kind, id) in Journals().ToArray())
            DropJournal(kind, id);
    }

    public void Hide(Guid id)
    {
        Step("hide " + id);
        VhdHead.Hide(PathOf(id), options.Durable, Files);
    }

    /// <summary>In durable mode, the names given and taken so far last from here on.</summary>
    public void Flush()
    {
        if (!options.Durable)
            return;
        Step("flush");
        Files.Pass(FileCall.FlushDirectory, Path);
        DirectPath.FlushDirectory(Path);
    }

    /// <summary>As <see cref="Flush"/>, after a failure.</summary>
    public void TryFlush()
    {
        try
        {
            Flush();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    /// <summary>The end of an operation: the last place at which one can be interrupted.</summary>
    public void Done() => Step("done");

    /// <summary>A step that is taken elsewhere.</summary>
    public void Step(string name) => options.FaultPoint?.Invoke(name);
}
