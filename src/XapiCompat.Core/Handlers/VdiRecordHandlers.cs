using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Records of disks come and go without their data.</summary>
public sealed class VdiRecordHandlers(RecordStore store, VdiIntroduction introduction)
{
    [XenMessage("VDI.introduce")]
    public ValueTask<Ref> Introduce(
        CallContext context, string uuid, string nameLabel, string nameDescription, Ref sr, string type, bool sharable, bool readOnly, XenStruct otherConfig, string location,
        XenStruct xenstoreData, XenStruct smConfig, bool managed, long virtualSize, long physicalUtilisation, Ref metadataOfPool, bool isASnapshot,
        XenDateTime snapshotTime, Ref snapshotOf) =>
        introduction.IntroduceAsync(context, Fields(
            uuid, nameLabel, nameDescription, sr, type, sharable, readOnly, otherConfig, location, xenstoreData, smConfig, managed, virtualSize, physicalUtilisation,
            metadataOfPool, isASnapshot, snapshotTime, snapshotOf, false));

    [XenMessage("VDI.pool_introduce")]
    [XenMessage("VDI.db_introduce")]
    public Ref IntroduceRow(
        CallContext context, string uuid, string nameLabel, string nameDescription, Ref sr, string type, bool sharable, bool readOnly, XenStruct otherConfig, string location,
        XenStruct xenstoreData, XenStruct smConfig, bool managed, long virtualSize, long physicalUtilisation, Ref metadataOfPool, bool isASnapshot,
        XenDateTime snapshotTime, Ref snapshotOf, bool cbtEnabled) =>
        introduction.IntroduceRow(Fields(
            uuid, nameLabel, nameDescription, sr, type, sharable, readOnly, otherConfig, location, xenstoreData, smConfig, managed, virtualSize, physicalUtilisation,
            metadataOfPool, isASnapshot, snapshotTime, snapshotOf, cbtEnabled));

    [XenMessage("VDI.forget")]
    public ValueTask Forget(CallContext context, Ref vdi) => introduction.ForgetAsync(context, vdi);

    [XenMessage("VDI.db_forget")]
    public void DbForget(CallContext context, Ref vdi) => introduction.ForgetRow(vdi);

    [XenMessage("VDI.update")]
    public ValueTask Update(CallContext context, Ref vdi) => introduction.UpdateAsync(context, vdi);

    /// <summary>The pool whose database the disk carries; no disk here carries one unless a client said so.</summary>
    [XenMessage("VDI.read_database_pool_uuid")]
    public string ReadDatabasePoolUuid(CallContext context, Ref self)
    {
        var vdi = store.Current.Get("VDI", self);
        return vdi.Text("type") == "metadata" && store.Current.Find(vdi.Target("metadata_of_pool")) is { Class.Name: "pool" } pool ? pool.Uuid : "";
    }

    /// <summary>Asks for the type first; no disk here carries a copy of the pool's database.</summary>
    [XenMessage("VDI.open_database")]
    public Ref OpenDatabase(CallContext context, Ref self)
    {
        var vdi = store.Current.Get("VDI", self);
        throw vdi.Text("type") is not "metadata" and var type
            ? new XenException("VDI_INCOMPATIBLE_TYPE", self.Text, VdiTypeText.Of(type))
            : new XenException("COULD_NOT_IMPORT_DATABASE", "The disk holds no pool database");
    }

    private static XenStruct Fields(
        string uuid, string nameLabel, string nameDescription, Ref sr, string type, bool sharable, bool readOnly, XenStruct otherConfig, string location,
        XenStruct xenstoreData, XenStruct smConfig, bool managed, long virtualSize, long physicalUtilisation, Ref metadataOfPool, bool isASnapshot,
        XenDateTime snapshotTime, Ref snapshotOf, bool cbtEnabled) =>
        XenStruct.Of(
            ("uuid", uuid), ("name_label", nameLabel), ("name_description", nameDescription), ("SR", sr.Text), ("type", type), ("sharable", sharable),
            ("read_only", readOnly), ("other_config", otherConfig), ("location", location), ("xenstore_data", xenstoreData), ("sm_config", smConfig),
            ("managed", managed), ("virtual_size", virtualSize), ("physical_utilisation", physicalUtilisation), ("metadata_of_pool", OrNull(metadataOfPool)),
            ("is_a_snapshot", isASnapshot), ("snapshot_time", snapshotTime), ("snapshot_of", OrNull(snapshotOf)), ("cbt_enabled", cbtEnabled));

    private static string OrNull(Ref reference) => reference.IsNull ? Ref.Null.Text : reference.Text;
}
