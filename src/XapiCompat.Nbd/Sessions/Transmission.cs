using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd.Sessions;

/// <summary>
/// The second phase: requests and replies. Workers take turns at reading a request, serve it beside each other and take
/// turns at sending; each holds one buffer at most, so that a client decides neither how much memory nor how many tasks it takes.
/// </summary>
internal sealed class Transmission : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Zeroed in one go; a snapshot waits no longer than this takes.</summary>
    private const long ZeroStep = 16L << 20;

    private readonly NbdInput _input;
    private readonly NbdExport _export;
    private readonly Agreement _agreed;
    private readonly NbdSessionOptions _options;
    private readonly CancellationTokenSource _broken;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly byte[] _head = new byte[Request.HeadBytes];
    private readonly NbdOutput _output;
    private readonly ReadReply _reads;
    private readonly StatusReply _statuses;
    private bool _ended;

    public Transmission(Stream stream, NbdInput input, NbdExport export, Agreement agreed, NbdSessionOptions options)
    {
        _input = input;
        _export = export;
        _agreed = agreed;
        _options = options;
        _broken = new(Timeout.InfiniteTimeSpan, options.Time);
        _output = new(stream, _broken);
        _reads = new(export.Device, _output, agreed.Structured, options.ErrorOf);
        _statuses = new(export.Device, _output, agreed.Contexts);
    }

    /// <summary>Returns when every request that was read has been answered.</summary>
    /// <param name="ending">Cancelled: no more requests are read, and a client that does not take its answers is not waited for.</param>
    public async Task RunAsync(CancellationToken ending)
    {
        using var hurry = ending.Register(() => _broken.CancelAfter(Grace));
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ending, _broken.Token);
        var workers = new Task[NbdLimits.Workers];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = WorkAsync(reading.Token);
        await Task.WhenAll(workers);
    }

    public void Dispose()
    {
        _output.Dispose();
        _turn.Dispose();
        _broken.Dispose();
    }

    private async Task WorkAsync(CancellationToken reading)
    {
        try
        {
            while (await ServeAsync(reading))
            {
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
        }
        catch
        {
            // The others would wait for a turn, or send into a connection that means nothing any more.
            await _broken.CancelAsync();
            throw;
        }
    }

    /// <summary>
    /// Serves requests until one has to wait for the device or the client. The turn then goes to another worker: handing it
    /// over at each request would cost more than most requests do.
    /// </summary>
    private async ValueTask<bool> ServeAsync(CancellationToken reading)
    {
        Task answering;
        await _turn.WaitAsync(reading);
        try
        {
            do
            {
                if (_ended || !await _input.TryFillAsync(_head, reading) || Request.Parse(_head) is not { Command: not NbdCommand.Disc } request)
                {
                    _ended = true;
                    return false;
                }

                var error = request.Check(_export, _agreed);
                var buffer = NbdBuffers.Rent();
                try
                {
                    if (request.Command == NbdCommand.Write)
                        error = await ReceiveAsync(request, error, buffer, reading);
                }
                catch
                {
                    NbdBuffers.Return(buffer);
                    throw;
                }

                answering = AnswerAsync(request, error, buffer);
            }
            while (answering.IsCompletedSuccessfully);
        }
        catch
        {
            _ended = true;
            throw;
        }
        finally
        {
            _turn.Release();
        }

        await answering;
        return true;
    }

    /// <summary>Takes the data of a write. All but its last piece is written here, since the next request lies behind it.</summary>
    private async ValueTask<NbdError> ReceiveAsync(Request request, NbdError error, byte[] buffer, CancellationToken reading)
    {
        if (request.Length > NbdLimits.LongestRequest)
            throw new NbdDisconnect("a write of " + request.Length + " bytes");
        var (offset, left) = (request.Start, (int)request.Length);
        while (left > NbdLimits.Piece)
        {
            await _input.FillAsync(buffer.AsMemory(0, NbdLimits.Piece), reading);
            if (error == NbdError.None)
                error = await TryAsync(() => _export.Device.WriteAsync(offset, buffer.AsMemory(0, NbdLimits.Piece), _broken.Token));
            offset += NbdLimits.Piece;
            left -= NbdLimits.Piece;
        }

        await _input.FillAsync(buffer.AsMemory(0, left), reading);
        return error;
    }

    private async Task AnswerAsync(Request request, NbdError error, byte[] buffer)
    {
        try
        {
            await AnswerFromAsync(request, error, buffer);
        }
        finally
        {
            NbdBuffers.Return(buffer);
        }
    }

    private async ValueTask AnswerFromAsync(Request request, NbdError error, byte[] buffer)
    {
        if (error == NbdError.None)
        {
            switch (request.Command)
            {
                case NbdCommand.Read:
                    await _reads.SendAsync(request, buffer, _broken.Token);
                    return;
                case NbdCommand.BlockStatus:
                    error = await TryAsync(() => _statuses.SendAsync(request, buffer, _broken.Token));
                    if (error == NbdError.None)
                        return;
                    break;
                default:
                    error = await ChangeAsync(request, buffer);
                    break;
            }
        }

        int length;
        if (_agreed.Structured && error != NbdError.None)
        {
            length = Heads.WriteError(buffer, request.Cookie, error);
        }
        else
        {
            Heads.WriteSimple(buffer, request.Cookie, error);
            length = Heads.Simple;
        }

        await _output.SendAsync(buffer.AsMemory(0, length));
    }

    private async ValueTask<NbdError> ChangeAsync(Request request, byte[] buffer)
    {
        var error = request.Command switch
        {
            NbdCommand.Write => await WriteLastAsync(request, buffer),
            NbdCommand.Trim => await ZeroAsync(request),
            NbdCommand.WriteZeroes when request.Flags.HasFlag(CommandFlags.FastZero) => await ZeroFastAsync(request),
            NbdCommand.WriteZeroes when request.Flags.HasFlag(CommandFlags.NoHole) => await ZeroFullyAsync(request, buffer),
            NbdCommand.WriteZeroes => await ZeroAsync(request),
            NbdCommand.Flush => await FlushAsync(),
            _ => NbdError.None,
        };
        var wantsFua = request.Flags.HasFlag(CommandFlags.Fua) && request.Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;
        return error == NbdError.None && wantsFua ? await FlushAsync() : error;
    }

    private ValueTask<NbdError> WriteLastAsync(Request request, byte[] buffer)
    {
        var last = (int)(request.Length % NbdLimits.Piece is 0 ? NbdLimits.Piece : request.Length % NbdLimits.Piece);
        return TryAsync(() => _export.Device.WriteAsync(request.Start + request.Length - last, buffer.AsMemory(0, last), _broken.Token));
    }

    private async ValueTask<NbdError> ZeroAsync(Request request)
    {
        var (offset, left) = (request.Start, (long)request.Length);
        var error = NbdError.None;
        while (left > 0 && error == NbdError.None)
        {
            var (from, step) = (offset, Math.Min(left, ZeroStep));
            error = await TryAsync(() => _export.Device.ZeroAsync(from, step, _broken.Token));
            offset += step;
            left -= step;
        }

        return error;
    }

    /// <summary>Fast is only what costs nothing: where nothing is stored.</summary>
    private async ValueTask<NbdError> ZeroFastAsync(Request request)
    {
        try
        {
            var extents = await _export.Device.ExtentsAsync(request.Start, request.Length, _broken.Token);
            var isFast = !request.Flags.HasFlag(CommandFlags.NoHole) && extents.All(e => e.Kind == Disks.ExtentKind.Zero);
            return isFast ? NbdError.None : NbdError.NotSup;
        }
        catch (Exception e) when (!_broken.IsCancellationRequested)
        {
            return _options.ErrorOf(e);
        }
    }

    /// <summary>Zeroes that take their place, so that later writes cannot fail for want of it.</summary>
    private async ValueTask<NbdError> ZeroFullyAsync(Request request, byte[] buffer)
    {
        buffer.AsSpan(0, NbdLimits.Piece).Clear();
        var (offset, left) = (request.Start, (long)request.Length);
        var error = NbdError.None;
        while (left > 0 && error == NbdError.None)
        {
            var step = (int)Math.Min(left, NbdLimits.Piece);
            error = await TryAsync(() => _export.Device.WriteAsync(offset, buffer.AsMemory(0, step), _broken.Token));
            offset += step;
            left -= step;
        }

        return error;
    }

    private ValueTask<NbdError> FlushAsync() => _export.ReadOnly ? ValueTask.FromResult(NbdError.None) : TryAsync(() => _export.Device.FlushAsync(_broken.Token));

    private async ValueTask<NbdError> TryAsync(Func<ValueTask> work)
    {
        try
        {
            await work();
            return NbdError.None;
        }
        catch (Exception e) when (!_broken.IsCancellationRequested)
        {
            return _options.ErrorOf(e);
        }
    }
}
