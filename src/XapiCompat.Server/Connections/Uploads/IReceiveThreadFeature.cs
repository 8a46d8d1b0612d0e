namespace XapiCompat.Server.Connections.Uploads;

/// <summary>A connection that can be received from by a thread that waits in the system call.</summary>
internal interface IReceiveThreadFeature
{
    /// <summary>
    /// Runs work that mostly reads from the connection on a thread of its own. There a read takes what has come without any
    /// change of threads: an upload costs two thirds of the processor time. Returns with the work's outcome.
    /// </summary>
    Task<T> RunAsync<T>(Func<ValueTask<T>> work);
}
