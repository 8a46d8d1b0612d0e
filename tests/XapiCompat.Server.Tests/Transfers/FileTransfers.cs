using System.Collections.Concurrent;
using XapiCompat.Core.Transfers;
using XapiCompat.Disks;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>Transfers over plain files, with the tasks and sessions that the contract asks for.</summary>
internal sealed class FileTransfers : IDiskTransfers
{
    public const string Session = "OpaqueRef:session";

    /// <summary>A session that may do nothing.</summary>
    public const string WeakSession = "OpaqueRef:weak";

    public ConcurrentDictionary<string, Disk> Disks { get; } = new();

    public ConcurrentDictionary<string, RunningTask> Tasks { get; } = new();

    public int OpenDevices => Disks.Values.Sum(d => d.Open);

    public ValueTask<ITransfer> BeginAsync(
        TransferCredentials credentials, string action, string? task, string? subtaskOf, CancellationToken cancellationToken)
    {
        task ??= AddTask();
        if (Refusal(credentials, action) is { } failure)
        {
            Tasks[task].End("failure", failure.Description);
            throw failure.AsException();
        }

        return new ValueTask<ITransfer>(new Transfer(this, task));
    }

    public ValueTask CheckAsync(TransferCredentials credentials, string action, CancellationToken cancellationToken) =>
        Refusal(credentials, action) is { } failure ? throw failure.AsException() : default;

    public string AddTask()
    {
        var task = Ref.Of(Guid.NewGuid()).Text;
        Tasks[task] = new RunningTask();
        return task;
    }

    private static XenFailure? Refusal(TransferCredentials credentials, string action) => credentials switch
    {
        { Session: Session } or { Session: null, BasicUser: "root", BasicPassword: "pass:word" } => null,
        { Session: WeakSession } => new XenFailure("RBAC_PERMISSION_DENIED", "http/" + action, "not allowed"),
        { Session: null, BasicUser: not null } => new XenFailure("SESSION_AUTHENTICATION_FAILED"),
        _ => new XenFailure("SESSION_INVALID", credentials.Session ?? ""),
    };

    internal sealed class Disk(FileDevice device)
    {
        public FileDevice Device => device;

        public Guid Uuid { get; } = Guid.NewGuid();

        public Guid DataId { get; set; } = Guid.NewGuid();

        public SemaphoreSlim Gate { get; } = new(1);

        public int Imports { get; set; }

        public int Open;
    }

    internal sealed class RunningTask
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskState State { get; private set; } = new("pending", [], "", 0);

        public CancellationTokenSource Cancel { get; } = new();

        public Task Ended => _ended.Task;

        public void Progress(double fraction) => State = State with { Progress = fraction };

        public void End(string status, IReadOnlyList<string> error, string result = "")
        {
            lock (this)
            {
                if (State.Status != "pending")
                    return;
                State = new TaskState(status, error, result, 1);
            }

            _ended.TrySetResult();
        }
    }

    private sealed class Transfer(FileTransfers owner, string task) : ITransfer
    {
        private readonly RunningTask _task = owner.Tasks.GetOrAdd(task, _ => new RunningTask());

        public string Task => task;

        public CancellationToken Cancellation => _task.Cancel.Token;

        public ValueTask<ExportSource> OpenExportAsync(string vdi, string? baseVdi, CancellationToken cancellationToken)
        {
            var disk = Find(vdi);
            var parent = baseVdi is null ? null : Find(baseVdi);
            Interlocked.Increment(ref disk.Open);
            var device = new BorrowedDevice(disk.Device, () => Interlocked.Decrement(ref disk.Open));
            var changed = new Extent(0, Math.Min(2 << 20, disk.Device.VirtualSize), ExtentKind.Data);
            return new ValueTask<ExportSource>(new ExportSource(
                vdi, disk.Uuid, device, disk.DataId, parent is null ? null : new ExportBase(parent.Uuid, parent.DataId, [changed])));
        }

        public async ValueTask<ImportTarget> OpenImportAsync(string vdi, CancellationToken cancellationToken)
        {
            var disk = Find(vdi);
            await disk.Gate.WaitAsync(cancellationToken);
            disk.Imports++;
            Interlocked.Increment(ref disk.Open);
            return new ImportTarget(vdi, disk.Uuid, new BorrowedDevice(disk.Device, () =>
            {
                Interlocked.Decrement(ref disk.Open);
                disk.Gate.Release();
            }));
        }

        public ValueTask<string> CreateDiskAsync(string? sr, string? srUuid, long size) =>
            throw new XenException("HANDLE_INVALID", "SR", sr ?? srUuid!);

        public ValueTask RemoveDiskAsync(string vdi) => throw new InvalidOperationException("no disk was made");

        public void Progress(double fraction) => _task.Progress(fraction);

        public void Succeed(XenValue? result) => _task.End("success", [], result is XenString text ? $"<value>{text.Text}</value>" : "");

        public void Fail(XenFailure failure) => _task.End("failure", failure.Description);

        public void Cancelled() => _task.End("cancelled", []);

        public ValueTask DisposeAsync()
        {
            _task.End("failure", ["INTERNAL_ERROR", "left pending"]);
            return default;
        }

        private Disk Find(string vdi) =>
            owner.Disks.TryGetValue(vdi, out var disk) ? disk : throw new XenException("HANDLE_INVALID", "VDI", vdi);
    }
}
