using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Disks;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Transfers;

/// <inheritdoc cref="IDiskTransfers"/>
public sealed class DiskTransfers(
    RecordStore store, StorageHost storage, SessionService sessions, TaskService tasks, AccessControl access, VdiService vdis, CancellationToken stopping) : IDiskTransfers
{
    private readonly TransferLocks _locks = new();

    public async ValueTask<ITransfer> BeginAsync(TransferCredentials credentials, string action, string? task, string? subtaskOf, CancellationToken cancellationToken)
    {
        Caller caller;
        try
        {
            caller = await AdmitAsync(credentials, action);
        }
        catch (XenException e)
        {
            if (task is not null)
                tasks.Fail(task, e.Failure);
            throw;
        }

        try
        {
            var bound = task is not null && store.Current.Find(task) is { } named && named.Class.Name == "task" ? named : null;
            if (bound is not null)
                access.RequireTask(store.Current, bound, caller.Session);
            var shown = bound?.Reference ?? tasks.Create(caller.Session, action, "", subtaskOf);
            return new Transfer(this, shown, caller, tasks.Adopt(shown));
        }
        catch
        {
            Release(caller);
            throw;
        }
    }

    public async ValueTask CheckAsync(TransferCredentials credentials, string action, CancellationToken cancellationToken) =>
        Release(await AdmitAsync(credentials, action));

    /// <summary>
    /// Opens a disk for reading without a task, for protocols that have none. Waits while somebody imports into it. The same
    /// errors as <see cref="IDiskTransfers.CheckAsync"/> and <see cref="ITransfer.OpenExportAsync"/>.
    /// </summary>
    public async ValueTask<ExportSource> OpenReadOnlyAsync(TransferCredentials credentials, string action, string vdi, CancellationToken cancellationToken)
    {
        await CheckAsync(credentials, action, cancellationToken);
        return await OpenExportAsync(FindVdi(vdi).Reference, null, cancellationToken);
    }

    /// <summary>Who asks, when it may use the handler.</summary>
    private async ValueTask<Caller> AdmitAsync(TransferCredentials credentials, string action)
    {
        var caller = await AuthenticateAsync(credentials);
        try
        {
            access.RequireAction(action, caller.Session);
            return caller;
        }
        catch
        {
            Release(caller);
            throw;
        }
    }

    private async ValueTask<Caller> AuthenticateAsync(TransferCredentials credentials)
    {
        if (credentials.Session is { Length: > 0 } session)
            return new(sessions.Find(session) ?? throw Errors.SessionInvalid(session), IsOwn: false);
        if (credentials.BasicUser is null && !credentials.Origin.Trusted)
            throw new XenException("SESSION_AUTHENTICATION_FAILED", "", "credentials are needed");
        var login = await sessions.LoginAsync(credentials.BasicUser ?? "", credentials.BasicPassword ?? "", credentials.Originator, credentials.Origin);
        return new(login, IsOwn: true);
    }

    private void Release(Caller caller)
    {
        if (caller.IsOwn)
            sessions.Logout(caller.Session.Reference);
    }

    private async ValueTask<ExportSource> OpenExportAsync(string vdi, string? baseVdi, CancellationToken cancellationToken)
    {
        var record = FindVdi(vdi);
        var baseRecord = baseVdi is null ? null : FindVdi(baseVdi);
        var sr = store.Current.Get("SR", record.Target("SR"));
        var attached = storage.Attached(sr);
        var hold = await _locks.AcquireAsync(record.Reference, exclusive: false, cancellationToken);
        try
        {
            var key = record.Text("location");
            ExportBase? difference = null;
            var device = await store.OpenDiskAsync(attached, record, DatapathMode.Read, cancellationToken);
            try
            {
                var volume = await attached.StatVolumeAsync(key, cancellationToken);
                if (baseRecord is not null)
                    difference = await CompareAsync(attached, sr, baseRecord, key, device.VirtualSize, cancellationToken);
                var lent = new TransferDevice(device, () =>
                {
                    hold.Dispose();
                    return ValueTask.CompletedTask;
                });
                return new(record.Reference, Guid.Parse(record.Uuid), lent, volume.DataId, difference);
            }
            catch
            {
                await device.DisposeAsync();
                throw;
            }
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            hold.Dispose();
            throw StorageErrors.Translate(e, sr.Reference, record.Reference, "attach").AsException();
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private async ValueTask<ExportBase> CompareAsync(
        AttachedSr attached, Record sr, Record baseRecord, string key, long size, CancellationToken cancellationToken)
    {
        // A base in another SR shares no file with the disk: everything may differ.
        var sameSr = baseRecord.Target("SR") == sr.Reference;
        var baseSr = sameSr ? attached : storage.Attached(store.Current.Get("SR", baseRecord.Target("SR")));
        var baseKey = baseRecord.Text("location");
        var volume = await baseSr.StatVolumeAsync(baseKey, cancellationToken);
        var changed = sameSr ? await attached.CompareAsync(baseKey, key, cancellationToken) : null;
        return new(Guid.Parse(baseRecord.Uuid), volume.DataId, changed ?? [new Extent(0, size, ExtentKind.Data)]);
    }

    private Record FindVdi(string text) => store.FindDisk(text).RequireData();

    /// <param name="IsOwn">The session was made for this request and ends with it.</param>
    private sealed record Caller(Record Session, bool IsOwn);

    private sealed class Transfer : ITransfer
    {
        private readonly DiskTransfers _owner;
        private readonly Caller _caller;
        private readonly CancellationTokenSource _cancellation;

        public Transfer(DiskTransfers owner, string task, Caller caller, CancellationToken cancelled)
        {
            _owner = owner;
            Task = task;
            _caller = caller;
            _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancelled, owner.Stopping);
        }

        public string Task { get; }

        public CancellationToken Cancellation => _cancellation.Token;

        public ValueTask<ExportSource> OpenExportAsync(string vdi, string? baseVdi, CancellationToken cancellationToken) =>
            _owner.OpenExportAsync(vdi, baseVdi, cancellationToken);

        public async ValueTask<ImportTarget> OpenImportAsync(string vdi, CancellationToken cancellationToken)
        {
            var record = _owner.FindVdi(vdi);
            if (record.Flag("read_only"))
                throw new XenException("VDI_READONLY", record.Reference);
            var sr = _owner.Store.Current.Get("SR", record.Target("SR"));
            var attached = _owner.Storage.Attached(sr);
            var hold = await _owner._locks.AcquireAsync(record.Reference, exclusive: true, cancellationToken);
            try
            {
                var device = await _owner.Store.OpenDiskAsync(attached, record, DatapathMode.ReadWrite, cancellationToken);
                var lent = new TransferDevice(device, async () =>
                {
                    hold.Dispose();
                    await RefreshAsync(record);
                });
                return new(record.Reference, Guid.Parse(record.Uuid), lent);
            }
            catch (Exception e) when (StorageErrors.IsForeseen(e))
            {
                hold.Dispose();
                throw StorageErrors.Translate(e, sr.Reference, record.Reference, "attach").AsException();
            }
            catch
            {
                hold.Dispose();
                throw;
            }
        }

        public ValueTask<string> CreateDiskAsync(string? sr, string? srUuid, long size) =>
            UploadedDisks.CreateAsync(_owner.Store, _owner.Vdis, Context, sr, srUuid, size);

        public async ValueTask RemoveDiskAsync(string vdi) => await _owner.Vdis.DestroyAsync(Context.Detached(), new(vdi));

        private CallContext Context => new(_caller.Session.Reference, _caller.Session, Task, _ => { }, Cancellation);

        public void Progress(double fraction) => _owner.Tasks.Progress(Task, fraction);

        public void Succeed(XenValue? result) => _owner.Tasks.Succeed(Task, result);

        public void Fail(XenFailure failure) => _owner.Tasks.Fail(Task, failure);

        public void Cancelled() => _owner.Tasks.Cancelled(Task, fromHandler: true);

        public ValueTask DisposeAsync()
        {
            // Ends nothing that has ended: a task is completed once.
            _owner.Tasks.Fail(Task, new("INTERNAL_ERROR", "the transfer ended without a result"));
            _owner.Release(_caller);
            _cancellation.Dispose();
            return ValueTask.CompletedTask;
        }

        private async ValueTask RefreshAsync(Record record)
        {
            try
            {
                await _owner.Vdis.RefreshAsync(record, CancellationToken.None);
            }
            catch (XenException e) when (e.Failure.Code == "OUT_OF_SPACE")
            {
                // The disk itself tells how its transfer ended; a later scan brings the record's utilisation up to date.
            }
        }
    }

    private RecordStore Store => store;

    private StorageHost Storage => storage;

    private TaskService Tasks => tasks;

    private VdiService Vdis => vdis;

    private CancellationToken Stopping => stopping;
}
