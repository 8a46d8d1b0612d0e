using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>
/// What a destruction of data promises: while it waits for VBDs, that the disk gets its type back; from then on, that its data goes.
/// </summary>
internal static class CbtIntents
{
    private const string Waiting = "data_destroy_wait";
    private const string Destroying = "data_destroy";

    public static Intent Wait(IdSource ids, string sr, string key, string type) => new(ids.NewUuidText(), sr, Waiting, [key, type]);

    public static Intent Destroy(IdSource ids, string sr, string key) => new(ids.NewUuidText(), sr, Destroying, [key]);

    public static bool Covers(Intent intent) => intent.Operation is Waiting or Destroying;

    public static string FormerType(Intent intent) => intent.Keys[1];

    /// <summary>Finishes or takes back what an end of the process interrupted.</summary>
    public static async ValueTask FinishAsync(RecordStore store, VolumeRecords records, Record sr, AttachedSr attached, Intent intent, CancellationToken cancellationToken)
    {
        var changes = intent.Operation == Destroying ? await attached.DataDestroyAsync(intent.Keys[0], cancellationToken) : null;
        store.Commit(unit =>
        {
            if (changes is not null)
                records.Apply(unit, sr, changes);
            else if (VolumeRecords.Find(unit, sr, intent.Keys[0]) is { } vdi)
                DataDestruction.SetType(unit, vdi.Reference, FormerType(intent));
            unit.EndIntent(intent.Id);
        });
    }
}
