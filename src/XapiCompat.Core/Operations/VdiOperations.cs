using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>
/// Which operations a VDI allows: one function fills allowed_operations and guards the calls. The order of the checks is
/// the order in which clients see the errors.
/// </summary>
public static class VdiOperations
{
    /// <summary>The only ones ever listed; the others are checked but kept out for old clients.</summary>
    private static readonly string[] Listed =
        ["clone", "copy", "resize", "resize_online", "snapshot", "destroy", "forget", "update", "generate_config"];

    private static readonly HashSet<string> Live = new(StringComparer.Ordinal)
    {
        "snapshot", "clone", "resize_online", "revert_to", "mirror", "enable_cbt", "disable_cbt", "data_destroy", "blocked",
    };

    private static readonly Dictionary<string, string> Features = new(StringComparer.Ordinal)
    {
        ["snapshot"] = "VDI_SNAPSHOT",
        ["clone"] = "VDI_CLONE",
        ["revert_to"] = "VDI_CLONE",
        ["revert_from"] = "VDI_CLONE",
        ["destroy"] = "VDI_DELETE",
        ["resize"] = "VDI_RESIZE",
        ["resize_online"] = "VDI_RESIZE_ONLINE",
        ["update"] = "VDI_UPDATE",
        ["generate_config"] = "VDI_GENERATE_CONFIG",
        ["mirror"] = "VDI_MIRROR",
        ["enable_cbt"] = "VDI_CONFIG_CBT",
        ["disable_cbt"] = "VDI_CONFIG_CBT",
        ["data_destroy"] = "VDI_CONFIG_CBT",
        ["list_changed_blocks"] = "VDI_CONFIG_CBT",
        ["set_on_boot"] = "VDI_RESET_ON_BOOT",
    };

    private static readonly HashSet<string> NotOnCbtMetadata = new(StringComparer.Ordinal)
    {
        "clone", "copy", "enable_cbt", "disable_cbt", "mirror", "resize", "resize_online", "snapshot", "revert_to", "revert_from", "set_on_boot",
    };

    public static IEnumerable<string> Allowed(IRecords records, Record vdi) => Listed.Where(o => Check(records, vdi, o) is null);

    /// <summary>Null when the operation may start now. OTHER_OPERATION_IN_PROGRESS means: wait and ask again.</summary>
    public static XenFailure? Check(IRecords records, Record vdi, string operation)
    {
        var current = vdi.Map("current_operations");
        for (var i = 0; i < current.Count; i++)
        {
            var running = current.Values[i].ToString()!;
            if (running == "copy" || (operation == "destroy" && running == "mirror"))
                continue;
            return new("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi.Reference, running, current.Names[i]);
        }

        var sr = records.Find(vdi.Target("SR"));
        if (operation == "resize" && (sr is null || !SrFacts.IsPlugged(records, sr)))
            return new("SR_HAS_NO_PBDS", vdi.Target("SR"));

        var vbds = vdi.Set("VBDs").Select(records.Find).OfType<Record>().ToList();
        var active = vbds.Where(v => v.Flag("currently_attached") || v.Flag("reserved")).ToList();
        var blocking = operation switch
        {
            "copy" => active.Where(v => v.Text("mode") == "RW"),
            "list_changed_blocks" => active.Where(v => records.Find(v.Target("VM")) is not { } vm || !vm.Flag("is_a_snapshot")),
            _ when Live.Contains(operation) => [],
            _ => active,
        };
        if (blocking.Any())
            return new("VDI_IN_USE", vdi.Reference, operation);

        if (operation != "data_destroy" && vbds.FirstOrDefault(v => v.Map("current_operations").Count > 0) is { } busy)
        {
            var map = busy.Map("current_operations");
            return new("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi.Reference, map.Values[0].ToString()!, map.Names[0]);
        }

        if (Features.TryGetValue(operation, out var feature) && (sr is null || !SrFacts.HasFeature(records, sr, feature)))
            return new("SR_OPERATION_NOT_SUPPORTED", vdi.Target("SR"));
        var type = vdi.Text("type");
        if (type == "cbt_metadata" && NotOnCbtMetadata.Contains(operation))
            return new("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(type));
        if (operation is "mirror" or "set_on_boot" && vdi.Flag("cbt_enabled"))
            return new("VDI_CBT_ENABLED", vdi.Reference);
        return CheckOne(vdi, sr, operation, type, current);
    }

    private static XenFailure? CheckOne(Record vdi, Record? sr, string operation, string type, XenStruct current)
    {
        var resets = vdi.Text("on_boot") == "reset";
        switch (operation)
        {
            case "destroy" or "data_destroy" or "revert_from":
                if (sr?.Text("type") == "udev")
                    return new("VDI_IS_A_PHYSICAL_DEVICE", vdi.Reference);
                if (sr?.Flag("is_tools_sr") == true)
                    return new("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
                if (type == "rrd")
                    return new("VDI_HAS_RRDS", vdi.Reference);
                if (operation == "data_destroy" && !vdi.Flag("is_a_snapshot"))
                    return new("OPERATION_NOT_ALLOWED", "VDI is not a snapshot: " + vdi.Reference);
                return operation == "data_destroy" && !vdi.Flag("cbt_enabled") ? new("VDI_NO_CBT_METADATA", vdi.Reference) : null;
            case "snapshot":
                if (vdi.Flag("sharable"))
                    return new("VDI_IS_SHARABLE", vdi.Reference);
                if (resets)
                    return new("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
                return current.Values.Any(v => v.ToString() == "copy") ? new("OPERATION_NOT_ALLOWED", "the disk is being copied: " + vdi.Reference) : null;
            case "copy":
                if (resets)
                    return new("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
                return type is "ha_statefile" or "redo_log" ? new("OPERATION_NOT_ALLOWED", "disks of type " + VdiTypeText.Of(type) + " are not copied") : null;
            case "forget":
                return type == "rrd" ? new("VDI_HAS_RRDS", vdi.Reference) : null;
            case "enable_cbt" or "disable_cbt":
                if (vdi.Flag("is_a_snapshot"))
                    return new("OPERATION_NOT_ALLOWED", "VDI is a snapshot: " + vdi.Reference);
                if (type is not ("user" or "system"))
                    return new("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(type));
                return resets ? new("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION") : null;
            case "revert_to":
                return vdi.Flag("is_a_snapshot") ? null : new("REVERT_ONLY_ALLOWED_ON_SNAPSHOT");
            default:
                return null;
        }
    }
}

/// <summary>VDI types as error parameters spell them.</summary>
public static class VdiTypeText
{
    public static string Of(string type) => type switch
    {
        "system" => "System",
        "user" => "User",
        "ephemeral" => "Ephemeral",
        "suspend" => "Suspend",
        "crashdump" => "Crashdump",
        "ha_statefile" => "HA statefile",
        "metadata" => "Metadata",
        "redo_log" => "Redo log",
        "pvs_cache" => "PVS cache",
        "cbt_metadata" => "CBT metadata",
        _ => type,
    };
}
