using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class VbdHandlers(RecordStore store, IdSource ids)
{
    /// <summary>Connects a disk to a VM; it is not plugged by that.</summary>
    [XenMessage("VBD.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", args["VM"]!.ToString()!);
        var empty = ((XenBool)args["empty"]!).Flag;
        var type = args["type"]!.ToString()!;
        var mode = args["mode"]!.ToString()!;
        var vdi = empty ? null : unit.Get("VDI", args["VDI"]!.ToString()!);
        if (vdi?.Text("type") is "ha_statefile" or "redo_log" or "cbt_metadata")
            throw new XenException("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(vdi.Text("type")));
        if (type == "CD" && mode != "RO")
            throw new XenException("VBD_CDS_MUST_BE_READONLY");
        if (empty && type != "CD")
            throw new XenException("VBD_NOT_REMOVABLE_MEDIA", "in constructor");
        if (vdi is not null && mode == "RW" && vdi.Flag("read_only"))
            throw new XenException("VDI_READONLY", vdi.Reference);
        if (vdi is not null && !vdi.Flag("managed"))
            throw new XenException("VDI_NOT_MANAGED", vdi.Reference);

        var device = DeviceNumbers.Choose(unit, vm, args["userdevice"]!.ToString()!);
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("VBD"), reference, CreateRecord.Fields(unit.Model.Class("VBD"), args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        unit.Set(reference, "userdevice", device);
        unit.Set(reference, "VDI", vdi?.Reference ?? Ref.Null.Text);
        unit.Set(reference, "metrics", DeviceRecords.NewMetrics(unit, ids, "VBD_metrics"));
        if (vm.Text("power_state") != "Suspended")
        {
            unit.Set(reference, "device", "");
            unit.Set(reference, "currently_attached", false);
        }

        return new Ref(reference);
    });

    [XenMessage("VBD.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var vbd = unit.Get("VBD", self);
        if (vbd.Flag("currently_attached") && unit.Find(vbd.Target("VM"))?.Text("power_state") is "Running" or "Paused")
            throw new XenException("OPERATION_NOT_ALLOWED", "VBD '" + vbd.Uuid + "' still attached to '" + vbd.Target("VM") + "'");
        DeviceRecords.DeleteVbd(unit, vbd);
    });

    [XenMessage("VBD.set_mode")]
    public void SetMode(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var vbd = unit.Get("VBD", self);
        if (value == "RW" && unit.Find(vbd.Target("VDI"))?.Flag("read_only") == true)
            throw new XenException("VDI_READONLY", vbd.Target("VDI"));
        if (value == "RW" && vbd.Text("type") == "CD")
            throw new XenException("VBD_CDS_MUST_BE_READONLY");
        unit.Set(self.Text, "mode", value);
    });
}

/// <summary>Positions of disks in a VM: decimal texts, or the Linux names of the same number.</summary>
internal static class DeviceNumbers
{
    public const int Disks = 255;
    public const int Interfaces = 16;

    /// <summary>The position asked for, or the first free one for <c>autodetect</c>.</summary>
    public static string Choose(IRecords records, Record vm, string asked)
    {
        var used = Used(records, vm, "VBDs", "userdevice");
        if (asked == "autodetect")
            return Free(used, Disks).FirstOrDefault() ?? throw new XenException("INVALID_DEVICE", asked);
        var number = Parse(asked) ?? throw new XenException("INVALID_DEVICE", asked);
        return used.Contains(number) ? throw new XenException("DEVICE_ALREADY_EXISTS", asked) : asked;
    }

    public static HashSet<int> Used(IRecords records, Record vm, string devices, string field) =>
        [.. vm.Set(devices).Select(records.Find).OfType<Record>()
            .Concat(records is UnitOfWork unit ? unit.Drafts.Where(d => d.Class.Name == devices.TrimEnd('s') && d.Target("VM") == vm.Reference) : [])
            .Select(d => Parse(d.Text(field)))
            .OfType<int>()];

    public static IEnumerable<string> Free(HashSet<int> used, int limit) =>
        Enumerable.Range(0, limit).Where(n => !used.Contains(n)).Select(n => n.ToString(CultureInfo.InvariantCulture));

    /// <summary><c>3</c>, <c>xvdd</c>, <c>hdd</c> and <c>sdd</c> are the same position.</summary>
    private static int? Parse(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < Disks ? number : null;
        foreach (var prefix in (string[])["xvd", "hd", "sd"])
        {
            if (!text.StartsWith(prefix, StringComparison.Ordinal) || text.Length == prefix.Length)
                continue;
            var value = 0;
            foreach (var c in text[prefix.Length..])
            {
                if (c is < 'a' or > 'z')
                    return null;
                value = (value * 26) + (c - 'a' + 1);
                if (value > Disks)
                    return null;
            }

            return value - 1;
        }

        return null;
    }
}
