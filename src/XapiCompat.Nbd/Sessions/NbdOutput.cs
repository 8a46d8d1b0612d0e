namespace XapiCompat.Nbd.Sessions;

/// <summary>What a client gets: whole replies or chunks, one after the other. A failed send ends the session for all.</summary>
internal sealed class NbdOutput(Stream stream, CancellationTokenSource broken) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await BeginAsync();
        try
        {
            await SendPartAsync(bytes);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Keeps the others away until <see cref="End"/>, for a reply in several parts.</summary>
    public Task BeginAsync() => _turn.WaitAsync(broken.Token);

    public async ValueTask SendPartAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await stream.WriteAsync(bytes, broken.Token);
        }
        catch
        {
            await broken.CancelAsync();
            throw;
        }
    }

    public void End() => _turn.Release();

    public void Dispose() => _turn.Dispose();
}
