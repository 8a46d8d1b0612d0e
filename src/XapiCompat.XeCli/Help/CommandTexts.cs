using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Help;

/// <summary>Descriptions of commands.</summary>
internal static class CommandTexts
{
    private const string Machines =
        " VMs are chosen by their fields: each further parameter must equal the printed value of the field of that name, as in uuid=..., power-state=halted or "
        + "other-config:key=value; vm=... is either the uuid or the name. When several match, --multiple lets the command act on all of them. Without any such "
        + "parameter every VM is meant.";

    private const string Hosts =
        " Hosts are chosen by their fields: each further parameter must equal the printed value of the field of that name, as in uuid=... or enabled=true; "
        + "host=... is the uuid, the name or the hostname. When several match, --multiple lets the command act on all of them. Without any such parameter every "
        + "host is meant.";

    private const string Repositories =
        " SRs are chosen by their fields: each further parameter must equal the printed value of the field of that name, as in uuid=... or type=nfs; sr=... is "
        + "either the uuid or the name. When several match, --multiple lets the command act on all of them. Without any such parameter every SR is meant.";

    public static string Of(CommandRow row) => (row.Help ?? Spell(row.Name)) + row.Selectors switch
    {
        "vm" => Machines,
        "host" => Hosts,
        "sr" => Repositories,
        _ => "",
    };

    /// <summary>A command that nobody described yet.</summary>
    private static string Spell(string name) => char.ToUpperInvariant(name[0]) + name[1..].Replace('-', ' ') + ".";
}
