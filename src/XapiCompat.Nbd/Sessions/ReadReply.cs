using XapiCompat.Disks;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>Answers NBD_CMD_READ: heads and data lie in one buffer and leave together.</summary>
internal sealed class ReadReply(IBlockDevice device, NbdOutput output, bool structured, Func<Exception, NbdError> errorOf)
{
    /// <summary>A shorter run of data at the end of a buffer waits for the next one.</summary>
    private const int ShortestPiece = 4096;

    public ValueTask SendAsync(Request request, byte[] buffer, CancellationToken cancellationToken) =>
        structured && !request.Flags.HasFlag(CommandFlags.DontFragment)
            ? SendChunksAsync(request, buffer, cancellationToken)
            : SendWholeAsync(request, buffer, cancellationToken);

    /// <summary>Chunks of data and of holes. An error may follow chunks that are good.</summary>
    private async ValueTask SendChunksAsync(Request request, byte[] buffer, CancellationToken cancellationToken)
    {
        var filled = 0;
        var end = request.Start + request.Length;
        try
        {
            foreach (var extent in await device.ExtentsAsync(request.Start, request.Length, cancellationToken))
            {
                for (var offset = extent.Offset; offset < extent.End;)
                {
                    var left = (int)(extent.End - offset);
                    if (buffer.Length - filled < Heads.Hole + Math.Min(left, ShortestPiece))
                    {
                        await output.SendAsync(buffer.AsMemory(0, filled));
                        filled = 0;
                    }

                    var isHole = extent.Kind == ExtentKind.Zero;
                    var count = isHole ? left : Math.Min(left, Math.Min(NbdLimits.Piece, buffer.Length - filled - Heads.Data));
                    var isLast = offset + count == end;
                    if (isHole)
                    {
                        Heads.WriteHole(buffer.AsSpan(filled), request.Cookie, isLast, offset, count);
                        filled += Heads.Hole;
                    }
                    else
                    {
                        await device.ReadAsync(offset, buffer.AsMemory(filled + Heads.Data, count), cancellationToken);
                        Heads.WriteData(buffer.AsSpan(filled), request.Cookie, isLast, offset, count);
                        filled += Heads.Data + count;
                    }

                    offset += count;
                }
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            if (filled > 0)
                await output.SendAsync(buffer.AsMemory(0, filled));
            filled = Heads.WriteError(buffer, request.Cookie, errorOf(e));
        }

        await output.SendAsync(buffer.AsMemory(0, filled));
    }

    /// <summary>One head and all data behind it. Once the head is out, an error can only end the connection.</summary>
    private async ValueTask SendWholeAsync(Request request, byte[] buffer, CancellationToken cancellationToken)
    {
        var head = structured ? Heads.Data : Heads.Simple;
        var first = (int)Math.Min(request.Length, NbdLimits.Piece);
        try
        {
            await device.ReadAsync(request.Start, buffer.AsMemory(head, first), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            if (!structured)
                Heads.WriteSimple(buffer, request.Cookie, errorOf(e));
            await output.SendAsync(buffer.AsMemory(0, structured ? Heads.WriteError(buffer, request.Cookie, errorOf(e)) : Heads.Simple));
            return;
        }

        if (structured)
            Heads.WriteData(buffer, request.Cookie, done: true, request.Start, (int)request.Length);
        else
            Heads.WriteSimple(buffer, request.Cookie, NbdError.None);
        await output.BeginAsync();
        try
        {
            await output.SendPartAsync(buffer.AsMemory(0, head + first));
            for (var done = first; done < request.Length;)
            {
                var count = (int)Math.Min(request.Length - done, NbdLimits.Piece);
                await ReadOrBreakAsync(request.Start + done, buffer.AsMemory(0, count), cancellationToken);
                await output.SendPartAsync(buffer.AsMemory(0, count));
                done += count;
            }
        }
        finally
        {
            output.End();
        }
    }

    private async ValueTask ReadOrBreakAsync(long offset, Memory<byte> piece, CancellationToken cancellationToken)
    {
        try
        {
            await device.ReadAsync(offset, piece, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NbdDisconnect("a read failed in the middle of its reply: " + errorOf(e));
        }
    }
}
