using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace XapiCompat.Server.HttpActions;

/// <summary>An answer that ends with the connection. Asking for the writer starts it.</summary>
internal sealed class RawResponse(PipeWriter output) : IHttpResponseFeature, IHttpResponseBodyFeature
{
    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public bool HasStarted { get; private set; }

    public PipeWriter Writer
    {
        get
        {
            Start();
            return output;
        }
    }

    public Stream Stream => Writer.AsStream(leaveOpen: true);

    Stream IHttpResponseFeature.Body
    {
        get => Stream;
        set => throw new NotSupportedException();
    }

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        Start();
        return Task.CompletedTask;
    }

    public async Task CompleteAsync()
    {
        Start();
        await output.FlushAsync();
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public void OnStarting(Func<object, Task> callback, object state) => throw new NotSupportedException();

    public void OnCompleted(Func<object, Task> callback, object state) => throw new NotSupportedException();

    private void Start()
    {
        if (HasStarted)
            return;
        HasStarted = true;
        Headers.Connection = "close";
        Encoding.Latin1.GetBytes($"HTTP/1.1 {StatusCode} {ReasonPhrase ?? "OK"}\r\n", output);
        foreach (var (name, values) in Headers)
        {
            foreach (var value in values)
                Encoding.Latin1.GetBytes($"{name}: {value}\r\n", output);
        }

        output.Write("\r\n"u8);
    }
}
