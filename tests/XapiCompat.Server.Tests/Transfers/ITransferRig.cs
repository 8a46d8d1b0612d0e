namespace XapiCompat.Server.Tests.Transfers;

/// <summary>What a transfer test needs of a server, so that it runs against the handlers alone and against the whole.</summary>
public interface ITransferRig : IAsyncDisposable
{
    string Session { get; }

    int Port(bool tls);

    /// <summary>A new disk of zeroes; returns its reference. Sizes are multiples of 2 MiB.</summary>
    Task<string> CreateDiskAsync(long size);

    Task DestroyDiskAsync(string vdi);

    Task<string> CreateTaskAsync();

    Task<TaskState> TaskAsync(string task);

    /// <summary>SHA-256 of the whole disk, read the way the rig trusts most.</summary>
    Task<string> HashAsync(string vdi);

    /// <summary>A small request over HTTP/1.1 that leaves the connection open, complete with its head.</summary>
    string SmallRequest { get; }
}

/// <param name="Error">error_info.</param>
public sealed record TaskState(string Status, IReadOnlyList<string> Error, string Result, double Progress)
{
    public override string ToString() => $"{Status} [{string.Join(", ", Error)}] {Result}";
}
