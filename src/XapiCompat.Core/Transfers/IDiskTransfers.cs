using XapiCompat.Core.Dispatch;
using XapiCompat.Disks;
using XapiCompat.Values;

namespace XapiCompat.Core.Transfers;

/// <summary>
/// What an HTTP action needs to move disk data, without knowing records: who asks, which task shows it, which disk.
/// </summary>
public interface IDiskTransfers
{
    /// <summary>
    /// Checks the credentials for an HTTP action and binds its task: the one named, else a new one that carries the
    /// action's name. Throws <see cref="XenException"/>: SESSION_INVALID or SESSION_AUTHENTICATION_FAILED (answer 401),
    /// RBAC_PERMISSION_DENIED (answer 403). A task that was named has failed with that error when this throws.
    /// </summary>
    /// <param name="action">Name in xapi-spec/http_actions.json, e.g. <c>get_export_raw_vdi</c>.</param>
    ValueTask<ITransfer> BeginAsync(TransferCredentials credentials, string action, string? task, string? subtaskOf, CancellationToken cancellationToken);

    /// <summary>
    /// Checks the credentials like <see cref="BeginAsync"/>, with the same errors, and leaves nothing behind: no task, no
    /// session. For requests that only ask whether they would be let in.
    /// </summary>
    ValueTask CheckAsync(TransferCredentials credentials, string action, CancellationToken cancellationToken);
}

/// <summary>Credentials as found in cookie, query or Authorization header, in that order.</summary>
/// <param name="Origin">Where the request comes from; one from the trusted socket needs no credentials.</param>
public sealed record TransferCredentials(string? Session, string? BasicUser, string? BasicPassword, string Originator, CallOrigin Origin);

/// <summary>
/// One transfer under way. Exactly one of Succeed, Fail and Cancelled ends its task; a task that a client has ended
/// meanwhile stays as it is. Disposing releases the disk and logs out a session made for Basic authentication; a task
/// still pending then fails with INTERNAL_ERROR.
/// </summary>
public interface ITransfer : IAsyncDisposable
{
    /// <summary>The task's reference, for the <c>task-id</c> header.</summary>
    string Task { get; }

    /// <summary>Cancelled when a client calls task.cancel or the server stops.</summary>
    CancellationToken Cancellation { get; }

    /// <summary>
    /// Opens a disk for reading. Waits while somebody else writes to it. Throws <see cref="XenException"/> (HANDLE_INVALID,
    /// UUID_INVALID, VDI_NOT_MANAGED, …).
    /// </summary>
    /// <param name="vdi">Reference or uuid.</param>
    /// <param name="baseVdi">Reference or uuid of the disk to compare with, or null for everything.</param>
    ValueTask<ExportSource> OpenExportAsync(string vdi, string? baseVdi, CancellationToken cancellationToken);

    /// <summary>Opens a disk for writing. Waits for other transfers of the same disk to end.</summary>
    ValueTask<ImportTarget> OpenImportAsync(string vdi, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a disk for an upload that names none. Throws <see cref="XenException"/> (HANDLE_INVALID, UUID_INVALID,
    /// SR_BACKEND_FAILURE_…).
    /// </summary>
    /// <param name="sr">Reference of the SR, or null when <paramref name="srUuid"/> names it.</param>
    /// <param name="size">Bytes.</param>
    /// <returns>The disk's reference.</returns>
    ValueTask<string> CreateDiskAsync(string? sr, string? srUuid, long size);

    /// <summary>Takes a disk of <see cref="CreateDiskAsync"/> back, after an upload that failed.</summary>
    ValueTask RemoveDiskAsync(string vdi);

    /// <summary>Progress from 0 to 1; cheap to call often, stored at most every percent.</summary>
    void Progress(double fraction);

    /// <summary>Ends the task as success. Everything written is durable already.</summary>
    /// <param name="result">Becomes task.result in its XML-RPC text form; null leaves it empty.</param>
    void Succeed(XenValue? result);

    void Fail(XenFailure failure);

    void Cancelled();
}

/// <summary>An open disk to read from. Disposing closes it.</summary>
/// <param name="VdiUuid">Names the file in Content-Disposition.</param>
/// <param name="DataId">Stable name of this state of the data; the footer id of a VHD export.</param>
/// <param name="Base">Null for a full export.</param>
public sealed record ExportSource(string VdiRef, Guid VdiUuid, IBlockDevice Device, Guid DataId, ExportBase? Base) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Device.DisposeAsync();
}

/// <param name="Changed">Ranges in which the disk may differ from its base, ascending.</param>
public sealed record ExportBase(Guid VdiUuid, Guid DataId, IReadOnlyList<Extent> Changed);

/// <summary>An open disk to write to. Disposing closes it; flush before success.</summary>
public sealed record ImportTarget(string VdiRef, Guid VdiUuid, IBlockDevice Device) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Device.DisposeAsync();
}
