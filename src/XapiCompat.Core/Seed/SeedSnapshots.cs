using System.Globalization;
using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Core.Seed;

/// <summary>
/// Takes the snapshots that a seed asks for, as a client would: real files on real disks. A first start that was
/// interrupted is continued by the next one.
/// </summary>
public sealed class SeedSnapshots(RecordStore store, StorageHost storage, IdSource freshIds, TimeProvider clock)
{
    private const string Promised = "seed-snapshots";
    private const string Begun = "begun";
    private const string Done = "";
    private const int Batch = 500;

    /// <summary>Notes what is to be taken, with the objects of the seed.</summary>
    public static void Promise(UnitOfWork unit, SeedOptions options)
    {
        if (options.SnapshotsPerVdi > 0)
            unit.SetFact(Promised, options.SnapshotsPerVdi.Value.ToString(CultureInfo.InvariantCulture) + " " + options.Number?.ToString(CultureInfo.InvariantCulture));
    }

    public async ValueTask TakeAsync(CancellationToken cancellationToken)
    {
        if (store.Fact(Promised) is not { Length: > 0 } promised)
            return;
        var parts = promised.Split(' ');
        var count = int.Parse(parts[0], CultureInfo.InvariantCulture);
        // What was taken before an interruption has used the first numbers.
        var ids = parts is [_, { Length: > 0 } number] ? new SeededIds(~long.Parse(number, CultureInfo.InvariantCulture)) : freshIds;
        store.Commit(unit => unit.SetFact(Promised, parts[0] + "  " + Begun));
        var work = new VolumeWork(store, storage, new VolumeRecords(storage, new(new(store, ids, clock)), ids), ids, clock);
        for (var round = 1; round <= count; round++)
        {
            var disks = store.Current.All(store.Model.Class("VDI")).Where(v => Lacks(v, round))
                .OrderBy(v => v.Text("name_label"), StringComparer.Ordinal).ThenBy(v => v.Uuid, StringComparer.Ordinal).ToList();
            foreach (var batch in disks.Chunk(Batch))
                await TakeAsync(work, batch, cancellationToken);
        }

        store.Commit(unit => unit.SetFact(Promised, Done));
    }

    private bool Lacks(Record vdi, int snapshots) =>
        vdi.Flag("managed") && !vdi.Flag("is_a_snapshot") && vdi.Set("snapshots").Count() < snapshots
        && store.Current.Find(vdi.Target("SR")) is { } sr && storage.TryAttached(sr) is not null;

    private async ValueTask TakeAsync(VolumeWork work, Record[] disks, CancellationToken cancellationToken)
    {
        var plans = disks.Select(d => work.Plan(store.Current, d, CopyKind.Snapshot)).ToList();
        var intents = work.Promise("snapshot", plans.Select(p => (p.Sr, p.NewUuid.ToString("D"))));
        store.Commit(unit =>
        {
            foreach (var intent in intents)
                unit.BeginIntent(intent);
        });
        var copies = new List<FinishedCopy>();
        try
        {
            await work.CopyAsync(plans, new Dictionary<string, string>(), copies, _ => { }, cancellationToken);
            store.Commit(unit =>
            {
                foreach (var copy in copies)
                    work.Write(unit, copy);
                foreach (var intent in intents)
                    unit.EndIntent(intent.Id);
            });
        }
        catch
        {
            await work.DiscardAsync(copies, unit => VdiService.End(unit, intents));
            throw;
        }
    }
}
