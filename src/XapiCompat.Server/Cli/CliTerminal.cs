using System.IO.Pipelines;
using System.Text;
using XapiCompat.Wire.XeCli;
using XapiCompat.XeCli;

namespace XapiCompat.Server.Cli;

/// <summary>The user's terminal at the other end of a connection.</summary>
/// <param name="givesSigns">The client says during long transfers that it still lives.</param>
/// <param name="gone">The client has left, or the server stops.</param>
internal sealed class CliTerminal(PipeWriter output, CliInput input, CliLimits limits, bool givesSigns, TimeProvider time, CancellationToken gone) : IXeTerminal, IDisposable
{
    private const long FlushAt = 16 * 1024;

    private readonly SemaphoreSlim _writing = new(1);
    private readonly SemaphoreSlim _asking = new(1);
    private bool _unflushed;

    public Task PrintAsync(string text) => WriteAsync(new XeMessage.Print(text), flush: false);

    public Task PrintErrorAsync(string text) => WriteAsync(new XeMessage.PrintStderr(text), flush: true);

    public Task FailAsync(string code, IReadOnlyList<string> parameters) => WriteAsync(new XeMessage.Error(code, parameters), flush: true);

    /// <summary>The last thing that is said.</summary>
    public Task ExitAsync(int code) => WriteAsync(new XeMessage.Exit(code), flush: true);

    public Task FlushAsync() => Volatile.Read(ref _unflushed) ? WriteAsync(null, flush: true) : Task.CompletedTask;

    public Task<string> PromptAsync() => AskAsync(new XeMessage.Prompt(), async () =>
        Encoding.UTF8.GetString(await BlobAsync(limits.MaxLine, limits.Thinking, "the line is too long")));

    public Task<byte[]?> LoadAsync(string path) => AskAsync(new XeMessage.Load(path), async () => await ConsentAsync(limits.Silence)
        ? await BlobAsync(limits.MaxFile, limits.Silence, "the file " + path + " is larger than " + limits.MaxFile + " bytes")
        : null);

    public Task<bool> HttpGetAsync(string path, string url) => AskAsync(new XeMessage.HttpGet(path, url), TransferredAsync);

    public Task<bool> HttpPutAsync(string path, string url) => AskAsync(new XeMessage.HttpPut(path, url), TransferredAsync);

    public void Dispose()
    {
        _writing.Dispose();
        _asking.Dispose();
    }

    private Task<bool> TransferredAsync() => ConsentAsync(givesSigns ? limits.Silence : limits.SilenceOfOldClients);

    private async Task<T> AskAsync<T>(XeMessage question, Func<Task<T>> answer)
    {
        await _asking.WaitAsync(gone);
        try
        {
            using (input.Ask())
            {
                await WriteAsync(question, flush: true);
                return await answer();
            }
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task<bool> ConsentAsync(TimeSpan silence) => await input.MessageAsync(silence, gone) switch
    {
        XeMessage.Ok => true,
        XeMessage.Failed => false,
        var other => throw new IOException("a client answered with " + other.GetType().Name),
    };

    private async Task<byte[]> BlobAsync(int most, TimeSpan silence, string tooLong)
    {
        using var blob = new MemoryStream();
        while (true)
        {
            switch (await input.MessageAsync(silence, gone))
            {
                case XeMessage.Chunk { Length: var length } when length > most - blob.Length:
                    throw new XeException(tooLong);
                case XeMessage.Chunk { Length: var length }:
                    for (var end = blob.Length + length; blob.Length < end;)
                        blob.Write(await input.BytesAsync(silence, gone));
                    break;
                case XeMessage.End:
                    return blob.ToArray();
                case var other:
                    throw new IOException("a client sent " + other.GetType().Name + " inside a file");
            }
        }
    }

    private async Task WriteAsync(XeMessage? message, bool flush)
    {
        await _writing.WaitAsync(gone);
        try
        {
            if (message is not null)
            {
                XeFrameEncoder.Write(output, message);
                Volatile.Write(ref _unflushed, true);
            }

            if (!flush && output.CanGetUnflushedBytes && output.UnflushedBytes < FlushAt)
                return;
            using var stalled = new CancellationTokenSource(limits.Stalled, time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, gone);
            if ((await output.FlushAsync(end.Token)).IsCompleted)
                throw new IOException("a client left before it had read everything");
            Volatile.Write(ref _unflushed, false);
        }
        finally
        {
            _writing.Release();
        }
    }
}
