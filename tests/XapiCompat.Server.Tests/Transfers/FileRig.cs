using XapiCompat.Server.Connections;
using XapiCompat.Server.HttpActions;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Testing;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>The connection layer and the HTTP actions over plain files.</summary>
internal sealed class FileRig : ITransferRig
{
    private readonly TempDirectory _directory = new();
    private LayerHost _host = null!;

    public FileTransfers Transfers { get; } = new();

    public string Session => FileTransfers.Session;

    public string SmallRequest => "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";

    public static async Task<FileRig> StartAsync(TransferOptions? options = null)
    {
        var rig = new FileRig();
        options ??= new TransferOptions();
        var router = HttpActionTable.Create(rig.Transfers, options);
        rig._host = await LayerHost.StartAsync(
            async context =>
            {
                if (!await router.TryInvokeAsync(context))
                    await HalfCloseTests.EchoAsync(context);
            },
            raw: HttpActionTable.RawHandlers(router, options, request => CliRefusal.SendAsync(request, "501 Not Implemented", "no dialogue here")));
        return rig;
    }

    public int Port(bool tls) => _host.Port(tls);

    public ValueTask<RawClient> ConnectAsync(bool tls) => _host.ConnectAsync(tls);

    public Task<string> CreateDiskAsync(long size)
    {
        var vdi = Ref.Of(Guid.NewGuid()).Text;
        Transfers.Disks[vdi] = new FileTransfers.Disk(new FileDevice(_directory.File(vdi.Split(':')[1]), size));
        return Task.FromResult(vdi);
    }

    public async Task DestroyDiskAsync(string vdi)
    {
        Transfers.Disks.TryRemove(vdi, out var disk);
        await disk!.Device.DisposeAsync();
        File.Delete(_directory.File(vdi.Split(':')[1]));
    }

    public FileTransfers.Disk Disk(string vdi) => Transfers.Disks[vdi];

    public Task<string> CreateTaskAsync() => Task.FromResult(Transfers.AddTask());

    public Task<TaskState> TaskAsync(string task) => Task.FromResult(Transfers.Tasks[task].State);

    /// <summary>Waits until the task has ended.</summary>
    public Task EndAsync(string task) => Transfers.Tasks[task].Ended.WaitAsync(TimeSpan.FromSeconds(60));

    public Task<string> HashAsync(string vdi) => Task.FromResult(Disk(vdi).Device.Hash());

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        foreach (var disk in Transfers.Disks.Values)
            await disk.Device.DisposeAsync();
        _directory.Dispose();
    }
}
