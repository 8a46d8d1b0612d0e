using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Plugging PBDs: the SR is attached with the first of its PBDs and let go with the last.</summary>
public sealed class PbdService(RecordStore store, StorageHost storage, VolumeRecords volumes, OperationGuard guard, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Plugging what is plugged succeeds. The VDIs appear with it.</summary>
    public async ValueTask PlugAsync(CallContext context, Ref self)
    {
        var pbd = store.Current.Get("PBD", self);
        if (pbd.Flag("currently_attached"))
            return;
        var sr = store.Current.Get("SR", pbd.Target("SR"));
        SmRecords.RequireDriver(store.Current, sr.Text("type"));
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Reference, "plug")], require: records => SrRules.Pluggable(records, records.Get("SR", sr.Reference), records.Get("PBD", self)));
        var isFirst = storage.TryAttached(sr) is null;
        var attached = await storage.AttachAsync(storage.Identity(sr, pbd), create: false, context.Cancellation);
        try
        {
            // What was left undone when the SR was away; with it back nobody is in the middle of anything.
            if (isFirst)
                await new IntentRecovery(store, storage, volumes).FinishAsync(sr, context.Cancellation);
            if (attached is null)
                store.Commit(unit => Write(unit, null));
            else
                await SrContent.CommitAsync(store, volumes, sr, attached, Write, context.Cancellation);
        }
        catch (Exception e)
        {
            if (!SrFacts.IsPlugged(store.Current, sr))
                await storage.DetachAsync(sr.Uuid);
            if (StorageErrors.IsForeseen(e))
                throw StorageErrors.Translate(e, "", "", "scan").AsException();
            throw;
        }

        void Write(UnitOfWork unit, SrContent? content)
        {
            unit.Get("PBD", self);
            unit.Set(self.Text, "currently_attached", true);
            if (content is not null)
                volumes.Synchronise(unit, unit.Get("SR", sr.Reference), content.Volumes, content.Stat, store.Intents);
            scope.End(unit);
        }
    }

    /// <summary>Unplugging what is not plugged succeeds.</summary>
    public async ValueTask UnplugAsync(CallContext context, Ref self)
    {
        var pbd = store.Current.Get("PBD", self);
        if (!pbd.Flag("currently_attached"))
            return;
        var sr = store.Current.Get("SR", pbd.Target("SR"));
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Reference, "unplug")], require: records => SrRules.Unpluggable(records, records.Get("SR", sr.Reference), records.Get("PBD", self)));
        var attached = IsLast(store.Current, sr.Reference, self) ? storage.TryAttached(sr) : null;
        if (attached is not null)
            await CloseAsync(attached, sr, context.Cancellation);
        try
        {
            store.Commit(unit =>
            {
                unit.Get("PBD", self);
                if (SrRules.Unpluggable(unit, unit.Get("SR", sr.Reference), unit.Get("PBD", self)) is { } used)
                    throw used.AsException();
                unit.Set(self.Text, "currently_attached", false);
                scope.End(unit);
            });
        }
        catch
        {
            attached?.Reopen();
            throw;
        }

        if (attached is not null)
            await storage.DetachAsync(sr.Uuid);
    }

    private static bool IsLast(Database records, string sr, Ref pbd) =>
        !records.Get("SR", sr).Set("PBDs").Any(p => p != pbd.Text && records.Find(p)?.Flag("currently_attached") == true);

    /// <summary>A transfer that has just ended may not have closed its disk yet; one that goes on uses it.</summary>
    private async ValueTask CloseAsync(AttachedSr attached, Record sr, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (attached.TryClose() is { Count: > 0 } open)
        {
            if (clock.GetElapsedTime(start) > Patience)
            {
                var used = store.Current.Get("SR", sr.Reference).Set("VDIs").Where(v => open.Contains(store.Current.Find(v)?.Text("location") ?? ""));
                throw new XenException("VDI_IN_USE", [.. used]);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), clock, cancellationToken);
        }
    }
}
