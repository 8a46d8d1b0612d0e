using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Channels;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Server.Cli;

/// <summary>
/// What a client sends after its greeting. It is read all the time, so that a client that leaves is noticed while a command runs; but
/// a client that says something unasked is no client, and a blob comes no faster than it is taken.
/// </summary>
internal sealed class CliInput(PipeReader input, TimeProvider time)
{
    private const int PiecesAhead = 4;

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(PiecesAhead);
    private long _lastSign = time.GetTimestamp();
    private int _asked;

    /// <summary>Reads until the client leaves, misbehaves, or <paramref name="stop"/> fires; then whoever waits for an answer gets an <see cref="IOException"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (await XeFrameDecoder.ReadAsync(input, XeFrameLimits.OfClients, stop) is { } message)
            {
                Sign();
                if (message is XeMessage.Wait)
                    continue;
                if (Volatile.Read(ref _asked) == 0)
                    break;
                await _items.Writer.WriteAsync(new(message, null), stop);
                if (message is XeMessage.Chunk chunk && !await PassAsync(chunk.Length, stop))
                    break;
            }
        }
        catch (Exception e) when (e is IOException or XeFrameException or OperationCanceledException or InvalidOperationException)
        {
            // However it ends, the dialogue is over.
        }
        finally
        {
            _items.Writer.TryComplete();
        }
    }

    /// <summary>From now on answers are expected, until it is disposed of.</summary>
    public Question Ask()
    {
        Interlocked.Increment(ref _asked);
        Sign();
        return new(this);
    }

    /// <summary>The next message of the client.</summary>
    public async ValueTask<XeMessage> MessageAsync(TimeSpan silence, CancellationToken cancellation) =>
        (await NextAsync(silence, cancellation)).Message ?? throw new IOException("a client sent data in place of a message");

    /// <summary>The next bytes of a chunk.</summary>
    public async ValueTask<byte[]> BytesAsync(TimeSpan silence, CancellationToken cancellation) =>
        (await NextAsync(silence, cancellation)).Bytes ?? throw new IOException("a client sent a message in place of data");

    private async ValueTask<Item> NextAsync(TimeSpan silence, CancellationToken cancellation)
    {
        while (true)
        {
            var left = silence - time.GetElapsedTime(Volatile.Read(ref _lastSign));
            if (left <= TimeSpan.Zero)
                throw new IOException("a client went silent");
            using var timeout = new CancellationTokenSource(left, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
            try
            {
                return await _items.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // It may have given a sign meanwhile.
            }
            catch (ChannelClosedException e)
            {
                throw new IOException("a client left in the middle of a dialogue", e);
            }
        }
    }

    /// <summary>Hands on the bytes behind a chunk's frame; false when they end before.</summary>
    private async ValueTask<bool> PassAsync(int length, CancellationToken stop)
    {
        while (length > 0)
        {
            var result = await input.ReadAsync(stop);
            var piece = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, length));
            var bytes = piece.ToArray();
            input.AdvanceTo(piece.End);
            if (bytes.Length == 0 && (result.IsCompleted || result.IsCanceled))
                return false;
            length -= bytes.Length;
            Sign();
            if (bytes.Length > 0)
                await _items.Writer.WriteAsync(new(null, bytes), stop);
        }

        return true;
    }

    private void Sign() => Volatile.Write(ref _lastSign, time.GetTimestamp());

    private readonly record struct Item(XeMessage? Message, byte[]? Bytes);

    /// <summary>An answer is expected while it is not disposed of.</summary>
    internal readonly struct Question(CliInput input) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref input._asked);
    }
}
