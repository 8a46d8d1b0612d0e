using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>What the rules ask about an SR.</summary>
public static class SrFacts
{
    public static bool IsPlugged(IRecords records, Record sr) =>
        sr.Set("PBDs").Any(p => records.Find(p)?.Flag("currently_attached") == true);

    /// <summary>Features are those of the SM object whose type is the SR's: without one nothing is supported.</summary>
    public static bool HasFeature(IRecords records, Record sr, string feature) =>
        Manager(records, sr)?.Map("features").Contains(feature) == true;

    public static Record? Manager(IRecords records, Record sr)
    {
        foreach (var manager in records.All(records.Model.Class("SM")))
        {
            if (manager.Text("type") == sr.Text("type"))
                return manager;
        }

        return null;
    }
}

/// <summary>Which operations an SR allows; see <see cref="VdiOperations"/>.</summary>
public static class SrOperations
{
    private static readonly string[] Listed =
    [
        "scan", "destroy", "forget", "plug", "unplug", "update", "vdi_create", "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot",
        "vdi_introduce", "vdi_mirror", "vdi_enable_cbt", "vdi_disable_cbt", "vdi_data_destroy", "vdi_list_changed_blocks",
        "vdi_set_on_boot", "vdi_revert", "pbd_create", "pbd_destroy",
    ];

    private static readonly Dictionary<string, string> Features = new(StringComparer.Ordinal)
    {
        ["vdi_create"] = "VDI_CREATE",
        ["vdi_destroy"] = "VDI_DELETE",
        ["vdi_resize"] = "VDI_RESIZE",
        ["vdi_introduce"] = "VDI_INTRODUCE",
        ["vdi_mirror"] = "VDI_MIRROR",
        ["vdi_enable_cbt"] = "VDI_CONFIG_CBT",
        ["vdi_disable_cbt"] = "VDI_CONFIG_CBT",
        ["vdi_data_destroy"] = "VDI_CONFIG_CBT",
        ["vdi_list_changed_blocks"] = "VDI_CONFIG_CBT",
        ["vdi_set_on_boot"] = "VDI_RESET_ON_BOOT",
        ["vdi_revert"] = "VDI_REVERT",
        ["vdi_snapshot"] = "VDI_SNAPSHOT",
        ["update"] = "SR_UPDATE",
    };

    public static IEnumerable<string> Allowed(IRecords records, Record sr) => Listed.Where(o => Check(records, sr, o) is null);

    public static XenFailure? Check(IRecords records, Record sr, string operation)
    {
        if (Features.TryGetValue(operation, out var feature) && !SrFacts.HasFeature(records, sr, feature))
            return new("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
        if (operation is "vdi_create" or "vdi_destroy" && sr.Flag("is_tools_sr"))
            return new("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
        if (operation is "destroy" or "forget" && SrFacts.IsPlugged(records, sr))
            return new("SR_HAS_PBD", sr.Reference);
        if (operation == "destroy")
        {
            if (!sr.Set("PBDs").Any())
                return new("SR_HAS_NO_PBDS", sr.Reference);
            if (sr.Set("VDIs").Select(records.Find).OfType<Record>().Any(v => v.Flag("managed") && v.Text("type") != "rrd"))
                return new("SR_NOT_EMPTY");
        }

        var current = sr.Map("current_operations");
        if (current.Count > 0 && !(operation == "plug" && current.Values.All(v => v.ToString() == "plug")))
            return new("OTHER_OPERATION_IN_PROGRESS", "SR", sr.Reference, Text(current.Values[0].ToString()!), current.Names[0]);
        return null;
    }

    private static string Text(string operation) =>
        operation.StartsWith("vdi_", StringComparison.Ordinal) ? "VDI." + operation[4..]
        : operation.StartsWith("pbd_", StringComparison.Ordinal) ? "PBD." + operation[4..]
        : operation;
}
