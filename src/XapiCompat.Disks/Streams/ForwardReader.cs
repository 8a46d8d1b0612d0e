using System.Buffers;
using System.IO.Pipelines;

namespace XapiCompat.Disks.Streams;

/// <summary>Takes bytes from a pipe in order and never more than the limit.</summary>
internal sealed class ForwardReader(PipeReader input, long? limit, CancellationToken cancellationToken)
{
    private long _position;

    /// <summary>Bytes taken so far.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Fills the buffer; false at an earlier end of input or limit.</summary>
    public async ValueTask<bool> FillAsync(Memory<byte> buffer) =>
        await TakeAsync(buffer, buffer.Length) == buffer.Length;

    /// <summary>Drops bytes; false at an earlier end of input or limit.</summary>
    public async ValueTask<bool> SkipAsync(long count) => await TakeAsync(default, count) == count;

    /// <summary>Fills the buffer as far as the input goes and returns the count.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer) => (int)await TakeAsync(buffer, buffer.Length);

    private async ValueTask<long> TakeAsync(Memory<byte> buffer, long count)
    {
        if (limit is { } bound)
            count = Math.Min(count, bound - _position);
        long done = 0;
        while (done < count)
        {
            var result = await input.ReadAsync(cancellationToken);
            var available = result.Buffer;
            if (result.IsCanceled)
            {
                input.AdvanceTo(available.Start);
                throw new OperationCanceledException("The read was cancelled.");
            }

            var take = Math.Min(available.Length, count - done);
            var taken = available.Slice(0, take);
            if (!buffer.IsEmpty)
                taken.CopyTo(buffer.Span[(int)done..]);
            input.AdvanceTo(taken.End);
            done += take;
            Volatile.Write(ref _position, _position + take);
            if (take == 0 && result.IsCompleted)
                break;
        }

        return done;
    }
}
