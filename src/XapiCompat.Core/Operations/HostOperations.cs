using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a host allows; see <see cref="VdiOperations"/>.</summary>
public static class HostOperations
{
    private static readonly string[] Listed =
    [
        "provision", "evacuate", "shutdown", "reboot", "power_on", "vm_start", "vm_resume", "vm_migrate", "apply_updates", "enable",
    ];

    private static readonly string[] BringVms = ["provision", "vm_resume", "vm_migrate"];
    private static readonly string[] TakeVms = ["evacuate", "reboot", "shutdown"];
    private static readonly string[] NeedDisabled = ["reboot", "shutdown", "apply_updates"];

    private static readonly Dictionary<string, string[]> Excluded = new(StringComparer.Ordinal)
    {
        ["reboot"] = ["shutdown", "apply_updates"],
        ["shutdown"] = ["reboot", "apply_updates"],
        ["apply_updates"] = ["reboot", "shutdown", "enable"],
        ["provision"] = ["provision"],
    };

    public static IEnumerable<string> Allowed(IRecords records, Record host) => Listed.Where(o => Check(records, host, o) is null);

    public static XenFailure? Check(IRecords records, Record host, string operation)
    {
        var current = host.Map("current_operations");
        for (var i = 0; i < current.Count; i++)
        {
            var running = current.Values[i].ToString()!;
            if (Excludes(running, operation))
                return new("OTHER_OPERATION_IN_PROGRESS", "host", host.Reference, running, current.Names[i]);
        }

        if (NeedDisabled.Contains(operation) && host.Flag("enabled"))
            return new("HOST_NOT_DISABLED");
        if (operation != "power_on")
            return null;
        if (records.Find(host.Target("metrics"))?.Flag("live") == true)
            return new("HOST_IS_LIVE", host.Reference);
        return host.Text("power_on_mode").Length == 0 ? new("HOST_POWER_ON_MODE_DISABLED") : null;
    }

    private static bool Excludes(string running, string operation) =>
        (BringVms.Contains(running) && TakeVms.Contains(operation))
        || (TakeVms.Contains(running) && BringVms.Contains(operation))
        || (Excluded.TryGetValue(running, out var others) && others.Contains(operation));
}
