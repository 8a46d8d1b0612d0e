using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>SM objects: one per SR type. A type whose plugin is new gets one at start; those of the inventory stay as they are.</summary>
public static class SmRecords
{
    public static void Register(UnitOfWork unit, IdSource ids, IEnumerable<PluginDescription> plugins)
    {
        var known = unit.All(unit.Model.Class("SM")).Select(s => s.Text("type")).ToHashSet(StringComparer.Ordinal);
        foreach (var plugin in plugins)
        {
            foreach (var type in plugin.Types.Where(known.Add))
                Insert(unit, ids, plugin, type);
        }
    }

    /// <summary>SR.create and PBD.plug take types with a driver only.</summary>
    public static void RequireDriver(IRecords records, string type)
    {
        if (!records.All(records.Model.Class("SM")).Any(s => s.Text("type") == type))
            throw new XenException("SR_UNKNOWN_DRIVER", type);
    }

    public static bool HasFeature(IRecords records, string type, string feature) =>
        records.All(records.Model.Class("SM")).Any(s => s.Text("type") == type && s.Map("features").Contains(feature));

    private static void Insert(UnitOfWork unit, IdSource ids, PluginDescription plugin, string type) => unit.Insert(
        unit.Model.Class("SM"),
        ids.NewReference(),
        [
            ("uuid", ids.NewUuidText()),
            ("type", type),
            ("name_label", plugin.Name),
            ("name_description", plugin.Description),
            ("vendor", "XapiCompat"),
            ("version", plugin.Version),
            ("required_api_version", "1.0"),
            ("capabilities", XenArray.Of(plugin.Features.Keys)),
            ("features", new XenStruct([.. plugin.Features.Keys], [.. plugin.Features.Values.Select(v => (XenValue)XenInt.Of(v))])),
            ("configuration", new XenStruct([.. plugin.Configuration.Keys], [.. plugin.Configuration.Values.Select(v => (XenValue)XenString.Of(v))])),
            ("driver_filename", "/opt/xensource/sm/" + type + "SR"),
        ]);
}
