using System.Globalization;
using XapiCompat.Core.Collecting;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Laboratory;

/// <summary>The collector of an SR by hand: stopped, and moved on by one piece of work; docs/laboratory.md.</summary>
public sealed class CollectorLab(RecordStore store, StorageHost storage, VolumeRecords records, IdSource ids, Planted planted) : IPluginFunctions
{
    private const string Switch = "gc";

    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
    [
        ("collector_pause", (call, _) => ValueTask.FromResult(Pause(TreeFunctions.Find(store, call, "SR", "sr")))),
        ("collector_step", async (call, stop) => await StepAsync(TreeFunctions.Find(store, call, "SR", "sr"), stop)),
    ];

    /// <summary>By the key that a real host goes by as well; undone, the collector is what it was.</summary>
    private string Pause(Record sr)
    {
        var before = sr.Map("other_config")[Switch]?.ToString();
        Set(sr.Reference, "false");
        return planted.Add("paused collector of SR " + sr.Uuid, () =>
        {
            Set(sr.Reference, before);
            return ValueTask.CompletedTask;
        }).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Does one piece of work, also where the collector is paused.</summary>
    private async ValueTask<string> StepAsync(Record sr, CancellationToken cancellationToken)
    {
        var attached = storage.Attached(sr);

        // As a run of its own: a start that finds it brings the records up to date.
        var intent = new Intent(ids.NewUuidText(), sr.Uuid, "collect", []);
        store.Commit(unit => unit.BeginIntent(intent));
        try
        {
            var step = await attached.CollectAsync(
                CollectorSettings.Policy(() => store.Current, sr), result => store.Commit(unit => records.Collect(unit, sr, result)), cancellationToken);
            return FaultFunctions.Json(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("kind", step?.Kind switch
                {
                    null => "none",
                    CollectorWorkKind.Remove => "remove",
                    CollectorWorkKind.Merge => "merge",
                    CollectorWorkKind.MergeLeaf => "merge-leaf",
                    _ => "flatten",
                });
                writer.WriteString("uuid", step?.Key ?? "");
                writer.WriteBoolean("done", step?.Result is not null);
                writer.WriteEndObject();
            });
        }
        catch (CollectorException e)
        {
            throw StorageErrors.Translate(e.InnerException ?? e, sr.Reference, "", "collect").AsException();
        }
        finally
        {
            store.Commit(unit => unit.EndIntent(intent.Id));
        }
    }

    private void Set(string sr, string? value) => store.Commit(unit =>
    {
        if (unit.Find(sr) is not { } record)
            return;
        var config = record.Map("other_config");
        unit.Set(sr, "other_config", value is null ? config.Without(Switch) : config.With(Switch, value));
    });
}
