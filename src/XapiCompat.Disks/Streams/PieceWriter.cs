using System.IO.Pipelines;

namespace XapiCompat.Disks.Streams;

/// <summary>
/// Fills a pipe in pieces that are flushed one by one. Every method returns false once the receiver is gone.
/// </summary>
/// <param name="length">Bytes that will be written in all; the last piece asks for no more memory than that.</param>
internal sealed class PieceWriter(PipeWriter output, long length, Action<long>? progress, CancellationToken cancellationToken)
{
    /// <summary>Large enough to amortise a flush, small enough to stay in the second-level cache.</summary>
    private const int PieceSize = 256 * 1024;

    private Memory<byte> _piece;
    private int _used;
    private long _sent;

    public async ValueTask<bool> BytesAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var space = await SpaceAsync(bytes.Length);
            if (space.IsEmpty)
                return false;
            bytes[..space.Length].CopyTo(space);
            bytes = bytes[space.Length..];
        }

        return true;
    }

    public async ValueTask<bool> ZeroesAsync(long count)
    {
        while (count > 0)
        {
            var space = await SpaceAsync(count);
            if (space.IsEmpty)
                return false;
            space.Span.Clear();
            count -= space.Length;
        }

        return true;
    }

    /// <summary>Reads straight into the pipe's memory.</summary>
    public async ValueTask<bool> DeviceAsync(IBlockDevice source, long offset, long count)
    {
        while (count > 0)
        {
            var space = await SpaceAsync(count);
            if (space.IsEmpty)
                return false;
            await source.ReadAsync(offset, space, cancellationToken);
            offset += space.Length;
            count -= space.Length;
        }

        return true;
    }

    /// <summary>Takes up to <paramref name="wanted"/> bytes of the current piece, which the caller fills; empty when the receiver is gone.</summary>
    public async ValueTask<Memory<byte>> SpaceAsync(long wanted)
    {
        if (_used == _piece.Length)
        {
            if (!await FlushAsync())
                return default;
            var size = (int)Math.Min(PieceSize, length - _sent);
            _piece = output.GetMemory(size)[..size];
        }

        var space = _piece.Slice(_used, (int)Math.Min(wanted, _piece.Length - _used));
        _used += space.Length;
        return space;
    }

    public async ValueTask<bool> FlushAsync()
    {
        if (_used == 0)
            return true;
        output.Advance(_used);
        _sent += _used;
        _used = 0;
        _piece = default;
        var result = await output.FlushAsync(cancellationToken);
        if (result.IsCanceled)
            throw new OperationCanceledException("The flush was cancelled.");

        // A transport may swallow bytes for a vanished client without any exception: this flag is the only sign.
        if (result.IsCompleted)
            return false;
        progress?.Invoke(_sent);
        return true;
    }
}
