using System.Security;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Messages of VDI that read or write the data itself.</summary>
public sealed class VdiCopyHandlers(
    RecordStore store, StorageHost storage, VolumeRecords records, VdiService vdis, VdiCopyService copier, VdiMigration migration, OperationGuard guard)
{
    [XenMessage("VDI.copy")]
    public ValueTask<Ref> Copy(CallContext context, Ref vdi, Ref sr, Ref baseVdi, Ref intoVdi) => copier.CopyAsync(context, vdi, sr, baseVdi, intoVdi);

    /// <summary>The format asked for in the options is the SR's anyway.</summary>
    [XenMessage("VDI.pool_migrate")]
    public ValueTask<Ref> PoolMigrate(CallContext context, Ref vdi, Ref sr, XenStruct options) => migration.MigrateAsync(context, vdi, sr);

    [XenMessage("VDI.resize_online")]
    public ValueTask ResizeOnline(CallContext context, Ref vdi, long size) => vdis.ResizeAsync(context, vdi, size, "resize_online");

    [XenMessage("VDI.checksum")]
    public async ValueTask<string> Checksum(CallContext context, Ref self)
    {
        var vdi = store.Current.Get("VDI", self);
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        VdiService.RequireManaged(vdi);
        vdi.RequireData();
        return await VdiService.Translated(
            async () =>
            {
                await using var device = await attached.OpenAsync(vdi.Text("location"), DatapathMode.Read, context.Cancellation);
                return await DiskCopy.ChecksumAsync(device, context.Progress, context.Cancellation);
            },
            sr,
            self.Text,
            "attach");
    }

    /// <summary>Another disk with the same memory in it: the VM must not notice.</summary>
    [XenMessage("VM.set_suspend_VDI")]
    public async ValueTask SetSuspendVdi(CallContext context, Ref self, Ref value)
    {
        var vm = store.Current.Get("VM", self);
        if (vm.Text("power_state") is not "Suspended" and var state)
            throw new XenException("VM_BAD_POWER_STATE", self.Text, "suspended", state.ToLowerInvariant());
        var image = store.Current.Get("VDI", value);
        image.RequireData();
        if (store.Current.Find(vm.Target("suspend_VDI")) is { } old && old.Reference != value.Text)
        {
            var (before, after) = (await Checksum(context, old.Ref), await Checksum(context, value));
            if (before != after)
                throw new XenException("SUSPEND_VDI_REPLACEMENT_IS_NOT_IDENTICAL", old.Uuid + " : " + before, image.Uuid + " : " + after);
        }

        store.Commit(unit =>
        {
            unit.Get("VM", self);
            unit.Set(self.Text, "suspend_VDI", value.Text);
        });
    }

    /// <summary>In place: the disk that the snapshot was taken of keeps its reference. Few drivers can.</summary>
    [XenMessage("VDI.revert")]
    public async ValueTask Revert(CallContext context, Ref snapshot)
    {
        var record = store.Current.Get("VDI", snapshot);
        var sr = store.Current.Get("SR", record.Target("SR"));
        if (VdiOperations.Check(store.Current, record, "revert_to") is { Code: not "OTHER_OPERATION_IN_PROGRESS" } refusal)
            throw refusal.AsException();
        if (SrOperations.Check(store.Current, sr, "vdi_revert") is { Code: "SR_OPERATION_NOT_SUPPORTED" } unsupported)
            throw unsupported.AsException();
        var attached = storage.Attached(sr);
        var target = store.Current.Get("VDI", record.Target("snapshot_of"));
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Reference, "vdi_revert"), new("VDI", snapshot.Text, "revert_to"), new("VDI", target.Reference, "revert_from")]);
        var changes = await VdiService.Translated(
            () => attached.RevertAsync(record.Text("location"), target.Text("location"), context.Cancellation), sr, target.Reference, "revert_from");
        store.Commit(unit =>
        {
            records.Apply(unit, sr, changes);
            scope.End(unit);
        });
    }

    /// <summary>What a host needs to attach the disk without a database, as its driver would write it.</summary>
    [XenMessage("VDI.generate_config")]
    public async ValueTask<string> GenerateConfig(CallContext context, Ref host, Ref vdi)
    {
        store.Current.Get("host", host);
        var record = store.Current.Get("VDI", vdi);
        var sr = store.Current.Get("SR", record.Target("SR"));
        await using var scope = await guard.BeginAsync(context, [new("VDI", vdi.Text, "generate_config")]);
        var config = sr.Set("PBDs").Select(store.Current.Find).OfType<Record>().Where(p => p.Target("host") == host.Text).Select(p => p.Map("device_config")).FirstOrDefault()
            ?? throw new XenException("SR_HAS_NO_PBDS", sr.Reference);
        var device = string.Concat(config.Names.Zip(config.Values, (name, value) => Member(name, Text(value.ToString()!))));
        var call = "<struct>" + Member("device_config", "<struct>" + device + "</struct>") + Member("sr_uuid", Text(sr.Uuid))
            + Member("vdi_uuid", Text(record.Uuid)) + Member("command", Text("vdi_attach_from_config")) + "</struct>";
        return "<?xml version='1.0'?><methodCall><methodName>vdi_attach_from_config</methodName><params><param><value>" + call + "</value></param></params></methodCall>";
    }

    private static string Member(string name, string value) => "<member><name>" + SecurityElement.Escape(name) + "</name><value>" + value + "</value></member>";

    private static string Text(string text) => "<string>" + SecurityElement.Escape(text) + "</string>";
}
