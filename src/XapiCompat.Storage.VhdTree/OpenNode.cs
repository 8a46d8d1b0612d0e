namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// What is open of one node, shared by all who use it. Guarded by the lock of <see cref="OpenChains"/>.
/// </summary>
internal sealed class OpenNode
{
    private volatile SharedChain? _writer;

    /// <summary>The one chain through which this leaf is written; readers that come while it is open share it.</summary>
    public SharedChain? Writer
    {
        get => _writer;
        set => _writer = value;
    }

    /// <summary>A chain that was opened for reading since the last writer came.</summary>
    public SharedChain? Reader { get; set; }

    /// <summary>This file as a parent in other nodes' chains.</summary>
    public SharedLayer? Layer { get; set; }

    /// <summary>Read without the lock.</summary>
    public bool IsOpen => _writer is not null || Reader is not null;

    /// <summary>Read without the lock.</summary>
    public bool WriterHasBlocks => _writer is { } writer && writer.Chain.Leaf.AllocatedBlockCount > 0;
}
