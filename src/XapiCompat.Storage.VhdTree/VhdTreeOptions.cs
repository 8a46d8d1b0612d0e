using XapiCompat.Disks;

namespace XapiCompat.Storage.VhdTree;

/// <summary>How a tree is kept.</summary>
public sealed record VhdTreeOptions
{
    /// <summary>
    /// True brings headers, sidecars and directory entries to stable storage before a call returns, in an order that
    /// survives power loss. False leaves that to the kernel: enough for every way in which only the process dies.
    /// </summary>
    public bool Durable { get; init; }

    /// <summary>What the calls of the file system go through.</summary>
    public FileLayer Files { get; init; } = FileLayer.Plain;

    /// <summary>
    /// Called with every file-system step before it is taken, in words that <see cref="TreeStep"/> makes a name of. Tests and testers
    /// stop there.
    /// </summary>
    public Action<string>? FaultPoint { get; init; }

    /// <summary>Stands for the kernel's boot id; null asks the kernel.</summary>
    internal Guid? Boot { get; init; }

    /// <summary>False tries the way for file systems without hard links.</summary>
    internal bool HardLinks { get; init; } = true;
}
