using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>
/// Which tools a simulated guest has, from VM.other_config <c>xapicompat-guest-tools</c>: <c>true</c> (as without the
/// key) for full drivers, <c>false</c> for none, or a comma-separated list of feature keys that an agent without
/// drivers reports, e.g. <c>feature-shutdown,data-cant-suspend-reason=a text</c>.
/// </summary>
public sealed record GuestToolsSetting(bool Drivers, IReadOnlyDictionary<string, string> Features)
{
    public const string Key = "xapicompat-guest-tools";

    private static readonly Dictionary<string, string> Full = new(StringComparer.Ordinal)
    {
        ["feature-balloon"] = "1",
        ["feature-poweroff"] = "1",
        ["feature-reboot"] = "1",
        ["feature-shutdown"] = "1",
        ["feature-suspend"] = "1",
        ["feature-vcpu-hotplug"] = "1",
        ["platform-feature-multiprocessor-suspend"] = "1",
    };

    public static GuestToolsSetting Default { get; } = new(true, Full);

    public static GuestToolsSetting None { get; } = new(false, new Dictionary<string, string>(StringComparer.Ordinal));

    /// <summary>True when something in the guest reports.</summary>
    public bool Reports => Drivers || Features.Count > 0;

    public bool Offers(string feature) => Drivers || (Features.TryGetValue(feature, out var value) && value == "1");

    public static GuestToolsSetting Of(Record vm) => (vm.Map("other_config")[Key]?.ToString() ?? "true") switch
    {
        "true" => Default,
        "false" or "" => None,
        var list => new(false, list.Split(',').Select(f => f.Split('=', 2)).DistinctBy(f => f[0], StringComparer.Ordinal).ToDictionary(f => f[0], f => f.Length > 1 ? f[1] : "1", StringComparer.Ordinal)),
    };
}
