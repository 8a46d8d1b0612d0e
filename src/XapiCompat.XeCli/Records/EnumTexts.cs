using System.Collections.Frozen;

namespace XapiCompat.XeCli.Records;

/// <summary>Members of enums whose printed form is not their name on the wire. Conversions that are not listed print the name.</summary>
internal static class EnumTexts
{
    private static readonly Dictionary<string, string> OnNormalExit = Texts(("destroy", "Destroy"), ("restart", "Restart"));

    private static readonly FrozenDictionary<string, Dictionary<string, string>> Tables = new Dictionary<string, Dictionary<string, string>>
    {
        ["vm_power_state"] = Texts(("Halted", "halted"), ("Paused", "paused"), ("Running", "running"), ("Suspended", "suspended")),
        ["vdi_type"] = Texts(
            ("system", "System"), ("user", "User"), ("ephemeral", "Ephemeral"), ("suspend", "Suspend"), ("crashdump", "Crashdump"),
            ("ha_statefile", "HA statefile"), ("metadata", "Metadata"), ("redo_log", "Redo log"), ("rrd", "rrd"), ("pvs_cache", "PVS cache"),
            ("cbt_metadata", "CBT metadata")),
        ["vm_operation"] = Texts(
            ("assert_operation_valid", "assertoperationvalid"), ("data_source_op", "data_sources_op"), ("changing_VCPUs", "(unknown operation)"),
            ("changing_memory_limits", "(unknown operation)"), ("query_services", "(unknown operation)"), ("create_template", "(unknown operation)")),
        ["host_operation"] = Texts(("vm_start", "VM.start"), ("vm_resume", "VM.resume"), ("vm_migrate", "VM.migrate")),
        ["task_allowed_operations"] = Texts(("cancel", "Cancel"), ("destroy", "Destroy")),
        ["on_normal_exit"] = OnNormalExit,
        ["on_crash_behaviour"] = Texts(
            ("destroy", "Destroy"), ("restart", "Restart"), ("preserve", "Preserve"), ("rename_restart", "Rename restart"),
            ("coredump_and_destroy", "Core dump and destroy"), ("coredump_and_restart", "Core dump and restart")),
        ["on_softreboot_behaviour"] = Texts(("destroy", "Destroy"), ("restart", "Restart"), ("preserve", "Preserve"), ("soft_reboot", "Soft reboot")),
        ["protocol"] = Texts(("vt100", "VT100"), ("rfb", "RFB"), ("rdp", "RDP")),
        ["allocation_algorithm"] = Texts(("depth_first", "depth-first"), ("breadth_first", "breadth-first")),
        ["vm_placement_policy"] = Texts(("anti_affinity", "anti-affinity")),
        ["pvs_proxy_status"] = Texts(("incompatible_write_cache_mode", "incompatible-write-cache-mode"), ("incompatible_protocol_version", "incompatible-protocol-version")),
        ["domain_type"] = Texts(("pv_in_pvh", "pv-in-pvh")),
        ["tristate"] = Texts(("yes", "true"), ("no", "false")),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static string Print(string conversion, string member)
    {
        if (conversion == "sr_operation" && member.Length > 4 && (member.StartsWith("vdi_", StringComparison.Ordinal) || member.StartsWith("pbd_", StringComparison.Ordinal)))
            return member[..3].ToUpperInvariant() + "." + member[4..];
        return Tables.TryGetValue(conversion, out var texts) ? texts.GetValueOrDefault(member, member) : member;
    }

    /// <summary>The member that a text stands for: its printed form or its name, in any letter case; null when it is none.</summary>
    public static string? Parse(string? conversion, string text, IReadOnlyList<string> members)
    {
        foreach (var member in members)
        {
            if (string.Equals(member, text, StringComparison.OrdinalIgnoreCase)
                || (conversion is not null && string.Equals(Print(conversion, member), text, StringComparison.OrdinalIgnoreCase)))
                return member;
        }

        return null;
    }

    private static Dictionary<string, string> Texts(params (string Member, string Text)[] pairs) => pairs.ToDictionary(p => p.Member, p => p.Text, StringComparer.Ordinal);
}
