using XapiCompat.Disks;

namespace XapiCompat.Storage.VhdTree;

/// <summary>One datapath: a use of a shared chain. The first write that follows a look at the data's id gives it a new one.</summary>
internal sealed class TreeDevice(SharedChain shared, DatapathMode mode, OpenChains chains, CbtLogs logs) : IBlockDevice
{
    private readonly TreeNode _node = shared.Node;
    private int _disposed;

    public long VirtualSize => shared.Chain.VirtualSize;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        shared.Chain.ReadAsync(offset, buffer, cancellationToken);

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, buffer.Length);
        try
        {
            await BeforeWriteAsync(cancellationToken);
            logs.Mark(_node.Id, offset, buffer.Length);
            await shared.Chain.WriteAsync(offset, buffer, cancellationToken);
        }
        catch (IOException e) when (Faults.IsNoSpace(e))
        {
            throw Faults.NoSpace(e);
        }
    }

    public async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, length);
        try
        {
            await BeforeWriteAsync(cancellationToken);
            logs.Mark(_node.Id, offset, length);
            await shared.Chain.ZeroAsync(offset, length, cancellationToken);
        }
        catch (IOException e) when (Faults.IsNoSpace(e))
        {
            throw Faults.NoSpace(e);
        }
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => shared.Chain.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        shared.Chain.ExtentsAsync(offset, length, cancellationToken);

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return ValueTask.CompletedTask;
        if (mode == DatapathMode.ReadWrite)
            logs.Settle(_node.Id);
        return chains.ReturnAsync(shared);
    }

    private async ValueTask BeforeWriteAsync(CancellationToken cancellationToken)
    {
        if (mode == DatapathMode.Read)
            throw new InvalidOperationException("The datapath is read-only.");
        if (_node.CarriesOthers || _node.Open.Writer != shared)
            throw new IOException("The datapath was opened before a change of the volume's tree and has to be reopened.");
        if (!_node.Observed)
            return;
        await shared.Renaming.WaitAsync(cancellationToken);
        try
        {
            if (!_node.Observed)
                return;
            var id = Guid.NewGuid();
            try
            {
                await shared.Chain.Leaf.SetUniqueIdAsync(id, CancellationToken.None);
            }
            catch
            {
                _node.Uncertain = true;
                throw;
            }

            _node.UniqueId = id;
            _node.Observed = false;
        }
        finally
        {
            shared.Renaming.Release();
        }
    }

    private void CheckRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, VirtualSize - length);
    }
}
