using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>
/// Intents of whole SRs. Their keys are the type and the pairs of device_config, because there may be no record that would tell
/// where the data is.
/// </summary>
internal static class SrIntents
{
    private const string Creating = "sr_create";
    private const string Destroying = "sr_destroy";

    public static Intent Create(IdSource ids, SrIdentity sr, string type) => Make(ids, sr, type, Creating);

    public static Intent Destroy(IdSource ids, SrIdentity sr, string type) => Make(ids, sr, type, Destroying);

    public static bool Covers(Intent intent) => intent.Operation is Creating or Destroying;

    /// <summary>A new SR without records goes; a doomed one goes with its records.</summary>
    public static async ValueTask FinishAsync(RecordStore store, StorageHost storage, Intent intent, CancellationToken cancellationToken)
    {
        var record = store.Current.FindByUuid(store.Model.Class("SR"), intent.Sr);
        var config = intent.Keys.Skip(1).Chunk(2).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        var identity = new SrIdentity("", intent.Sr, storage.PluginOf(intent.Keys[0]), config);
        if (intent.Operation == Creating && record is null)
            await StorageHost.RemoveEmptyAsync(identity);
        else if (intent.Operation == Destroying && identity.Plugin is { } plugin)
            await plugin.DestroyAsync(identity.Configuration, cancellationToken);

        store.Commit(unit =>
        {
            if (intent.Operation == Destroying && record is not null && unit.Find(record.Reference) is { } doomed)
                SrRecords.Forget(unit, doomed);
            unit.EndIntent(intent.Id);
        });
    }

    private static Intent Make(IdSource ids, SrIdentity sr, string type, string operation) =>
        new(ids.NewUuidText(), sr.Uuid, operation, [type, .. sr.DeviceConfig.SelectMany(p => new[] { p.Key, p.Value })]);
}
