using System.IO.Pipelines;

namespace XapiCompat.Disks.Streams;

/// <summary>A disk as a stream whose every byte is placed before the first one is sent. Immutable; may be sent several times.</summary>
public interface IStreamPlan
{
    /// <summary>Exact length of the stream in bytes.</summary>
    long Length { get; }

    /// <summary>Sends the stream. Completes neither the pipe nor the device.</summary>
    /// <param name="source">Has the virtual size that the plan was made for.</param>
    /// <param name="progress">Called after each flush with the bytes sent so far.</param>
    ValueTask<StreamOutcome> WriteAsync(IBlockDevice source, PipeWriter output, Action<long>? progress, CancellationToken cancellationToken);
}
