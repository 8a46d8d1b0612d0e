using XapiCompat.Disks;
using XapiCompat.Storage;

namespace XapiCompat.Server.Tests.Support;

/// <summary>
/// The collector behind it; <c>merge</c> is each step of a copy, <c>collect</c> the moment between a change of the files and that of the records.
/// </summary>
internal sealed class UnreliableCollector(ISrCollector inner, StorageFaults faults) : ISrCollector
{
    public bool HasWaiting => inner.HasWaiting;

    public async ValueTask<ICollectorWork?> PlanAsync(CollectorPolicy policy, CancellationToken cancellationToken) =>
        await inner.PlanAsync(policy, cancellationToken) is { } work ? new Work(work, faults) : null;

    public async ValueTask<ICollectorWork?> PlanFlattenAsync(string key, CancellationToken cancellationToken) =>
        await inner.PlanFlattenAsync(key, cancellationToken) is { } work ? new Work(work, faults) : null;

    public ValueTask<VolumeChanges> SplitAsync(string key, CancellationToken cancellationToken) => inner.SplitAsync(key, cancellationToken);

    public ValueTask<IBlockDevice?> RenewAsync(string key, CancellationToken cancellationToken) => inner.RenewAsync(key, cancellationToken);

    private sealed class Work(ICollectorWork inner, StorageFaults faults) : ICollectorWork
    {
        public CollectorWorkKind Kind => inner.Kind;

        public string Key => inner.Key;

        public long Bytes => inner.Bytes;

        public long Outstanding => inner.Outstanding;

        public ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken) => inner.CopyAsync(
            async (bytes, token) =>
            {
                await faults.CheckAsync("merge", token);
                await copied(bytes, token);
            },
            cancellationToken);

        public async ValueTask<CollectorResult?> FinishAsync()
        {
            var result = await inner.FinishAsync();
            await faults.CheckAsync("collect", CancellationToken.None);
            return result;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
