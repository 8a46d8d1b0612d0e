using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>PIFs as records: made by hardware, VLANs, tunnels, bonds and SR-IOV; deleted with what is only theirs.</summary>
public static class PifRecords
{
    /// <summary>The address of interfaces that share another one's.</summary>
    public const string SharedMac = "fe:ff:ff:ff:ff:ff";

    public static string Insert(UnitOfWork unit, IdSource ids, string device, string network, string host, params IEnumerable<(string Field, XenValue Value)> fields)
    {
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("PIF"), reference, ("uuid", ids.NewUuidText()), ("device", device), ("device_name", device), ("network", network), ("host", host));
        unit.Set(reference, "currently_attached", false);
        unit.Set(reference, "VLAN", -1);
        foreach (var (field, value) in fields)
            unit.Set(reference, field, value);
        return reference;
    }

    public static string NewMetrics(UnitOfWork unit, IdSource ids)
    {
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("PIF_metrics"), reference, ("uuid", ids.NewUuidText()), ("last_updated", XenDate.Never));
        return reference;
    }

    /// <summary>Deletes an interface with its metrics, unless another one shares them.</summary>
    public static void Delete(UnitOfWork unit, Record pif)
    {
        var metrics = pif.Target("metrics");
        unit.Delete(pif.Reference);
        if (unit.FindOf("PIF_metrics", metrics) is not null && !unit.Pointing("PIF", "metrics", metrics).Any())
            unit.Delete(metrics);
    }

    /// <summary>The network of a hardware interface: found by its bridge's name, or made.</summary>
    public static string NetworkFor(UnitOfWork unit, IdSource ids, string device, bool managed)
    {
        var position = Position(device);
        var bridge = !managed ? "" : position is { } number ? "xenbr" + number : "br" + device;
        var found = unit.Pointing("network", "bridge", bridge).ToList();
        if (found.Count == 1)
            return found[0].Reference;
        var reference = ids.NewReference();
        unit.Insert(
            unit.Model.Class("network"),
            reference,
            ("uuid", ids.NewUuidText()),
            ("name_label", "Pool-wide network associated with " + device),
            ("bridge", bridge),
            ("managed", managed));
        return reference;
    }

    private static int? Position(string device) =>
        device.StartsWith("eth", StringComparison.Ordinal) && int.TryParse(device.AsSpan(3), System.Globalization.NumberStyles.None, null, out var number) ? number : null;
}
