using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>SRs of a lost pool, introduced for as long as a recovery takes.</summary>
public sealed class DrTaskHandlers(RecordStore store, SrService srs, PbdService pbds, SrProbe probe, IdSource ids)
{
    /// <summary>Looks for SRs where device_config points to and introduces those on the list that are not known yet.</summary>
    [XenMessage("DR_task.create")]
    public async ValueTask<Ref> Create(CallContext context, string type, XenStruct deviceConfig, XenArray whitelist)
    {
        SmRecords.RequireDriver(store.Current, type);
        if (!SmRecords.HasFeature(store.Current, type, "SR_METADATA"))
            throw new XenException("OPERATION_NOT_ALLOWED", "an SR of this type keeps no copy of the pool: " + type);
        var wanted = whitelist.Items.Select(i => i.ToString()!).ToHashSet(StringComparer.Ordinal);
        var found = (await probe.FindAsync(deviceConfig, type, context.Cancellation)).Select(s => s.Uuid.ToString("D")).Where(wanted.Contains).ToList();
        var task = ids.NewReference();
        store.Commit(unit => unit.Insert(unit.Model.Class("DR_task"), task, [("uuid", ids.NewUuidText())]));
        foreach (var uuid in found.Where(u => store.Current.FindByUuid(store.Model.Class("SR"), u) is null))
        {
            try
            {
                await IntroduceAsync(context, task, uuid, type, deviceConfig);
            }
            catch
            {
                await Destroy(context, new(task));
                throw;
            }
        }

        return new(task);
    }

    /// <summary>Lets go of the SRs that the task has introduced.</summary>
    [XenMessage("DR_task.destroy")]
    public async ValueTask Destroy(CallContext context, Ref self)
    {
        foreach (var sr in store.Current.Get("DR_task", self).Set("introduced_SRs").ToList())
        {
            foreach (var pbd in store.Current.Get("SR", sr).Set("PBDs").ToList())
                await pbds.UnplugAsync(context, new(pbd));
            await srs.ForgetAsync(context, new(sr));
        }

        store.Commit(unit => unit.Delete(unit.Get("DR_task", self).Reference));
    }

    private async ValueTask IntroduceAsync(CallContext context, string task, string uuid, string type, XenStruct config)
    {
        var sr = srs.Introduce(uuid, new("", XenStruct.Empty, "", "", type, "", true, XenStruct.Empty));
        var made = store.Commit(unit =>
        {
            unit.Set(sr.Text, "introduced_by", task);
            return unit.All(unit.Model.Class("host")).ToList().ConvertAll(h => PbdRecords.Insert(unit, ids, h.Reference, sr.Text, config, attached: false));
        });
        foreach (var pbd in made)
            await pbds.PlugAsync(context, new(pbd));
    }
}
