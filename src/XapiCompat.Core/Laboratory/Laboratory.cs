using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Core.Laboratory;

/// <summary>
/// What testers may do to a server that real hosts do not offer: see its trees, break them on purpose, and have its work end, fail or
/// stand still at named points. Off unless asked for; docs/laboratory.md.
/// </summary>
public sealed class Laboratory
{
    /// <summary>So many calls can stand still beside those that go on.</summary>
    private const int Threads = 64;

    private readonly Planted _planted = new();

    /// <summary>Where work can be stopped.</summary>
    public FaultPoints Points { get; } = new();

    /// <summary>The functions of the plugin <c>xapicompat</c> that the laboratory adds.</summary>
    public IReadOnlyList<IPluginFunctions> Functions(RecordStore store, StorageHost storage, VolumeRecords records, IdSource ids, TimeProvider clock) =>
        [
            new FaultFunctions(Points),
            new TreeFunctions(store, storage, records, ids, clock, Points, _planted),
            new CollectorLab(store, storage, records, ids, _planted),
        ];

    /// <summary>The server is about to serve; starting and recovering are over.</summary>
    public void Open(RecordStore store)
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, Threads), ports);
        store.FaultPoint = Points.Note;
    }
}
