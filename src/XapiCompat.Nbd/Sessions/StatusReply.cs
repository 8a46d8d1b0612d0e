using System.Buffers.Binary;
using XapiCompat.Disks;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Answers NBD_CMD_BLOCK_STATUS: one chunk for each chosen context, as far as its descriptors reach.</summary>
internal sealed class StatusReply(IBlockDevice device, NbdOutput output, IReadOnlyList<ChosenContext> contexts)
{
    /// <summary>A range whose extents are looked at in one go.</summary>
    private const long Window = 64L << 20;

    private const int Descriptor = 8;

    public async ValueTask SendAsync(Request request, byte[] buffer, CancellationToken cancellationToken)
    {
        // Everything is known before anything is sent: what fails here is still answered with an error.
        var length = 0;
        var most = request.Flags.HasFlag(CommandFlags.ReqOne) ? 1 : Math.Min(NbdLimits.MostDescriptors, (buffer.Length / contexts.Count - Heads.Chunk - 4) / Descriptor);
        for (var i = 0; i < contexts.Count; i++)
        {
            var context = contexts[i];
            var runs = new RunWriter(buffer.AsMemory(length + Heads.Chunk + 4), most);
            if (context.Bitmap is { } bitmap)
                AddChanges(runs, bitmap, request);
            else
                await AddAllocationAsync(runs, request, cancellationToken);
            var bytes = runs.Finish() * Descriptor + 4;
            Heads.WriteChunk(buffer.AsSpan(length), request.Cookie, ChunkType.BlockStatus, i == contexts.Count - 1, (uint)bytes);
            BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(length + Heads.Chunk), context.Id);
            length += Heads.Chunk + bytes;
        }

        await output.SendAsync(buffer.AsMemory(0, length));
    }

    private static void AddChanges(RunWriter runs, NbdBitmap bitmap, Request request)
    {
        var end = request.Start + request.Length;
        for (var offset = request.Start; offset < end && !runs.IsFull;)
        {
            var (changed, next) = bitmap.RunAt(offset, end);
            runs.Add(next - offset, changed ? BlockState.Dirty : 0);
            offset = next;
        }
    }

    private async ValueTask AddAllocationAsync(RunWriter runs, Request request, CancellationToken cancellationToken)
    {
        var end = request.Start + request.Length;
        for (var offset = request.Start; offset < end && !runs.IsFull;)
        {
            var length = Math.Min(Window, end - offset);
            foreach (var extent in await device.ExtentsAsync(offset, length, cancellationToken))
                runs.Add(extent.Length, extent.Kind == ExtentKind.Zero ? BlockState.HoleZero : BlockState.Data);
            offset += length;
        }
    }

    /// <summary>Descriptors; neighbours with one state are one. Runs that find no room are dropped.</summary>
    private sealed class RunWriter(Memory<byte> to, int most)
    {
        private int _count;
        private long _length;
        private uint _state;

        /// <summary>The last run can still grow until another state follows it.</summary>
        public bool IsFull { get; private set; }

        public void Add(long length, uint state)
        {
            if (IsFull)
                return;
            if (_length > 0 && state != _state)
                Flush();
            if (IsFull)
                return;
            _state = state;
            _length += length;
        }

        public int Finish()
        {
            if (_length > 0)
                Flush();
            return _count;
        }

        private void Flush()
        {
            var at = to.Span[(_count * Descriptor)..];
            BinaryPrimitives.WriteUInt32BigEndian(at, (uint)_length);
            BinaryPrimitives.WriteUInt32BigEndian(at[4..], _state);
            _length = 0;
            IsFull = ++_count == most;
        }
    }
}
