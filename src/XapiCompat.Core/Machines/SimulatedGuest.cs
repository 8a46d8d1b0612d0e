using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XapiCompat.Core.Machines;

/// <summary>What a simulated guest says and does.</summary>
internal static class SimulatedGuest
{
    private static readonly Dictionary<string, string> Version = new(StringComparer.Ordinal)
    {
        ["major"] = "8",
        ["minor"] = "4",
        ["micro"] = "0",
        ["build"] = "1",
    };

    public static GuestReport Report(DomainSpec spec) => new(
        spec.GuestTools.Drivers,
        spec.GuestTools.Drivers ? Version : [],
        Os(spec),
        spec.Interfaces.SelectMany(Addresses).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal),
        new Dictionary<string, string>(StringComparer.Ordinal) { ["free"] = (spec.Memory / 2048).ToString(CultureInfo.InvariantCulture), ["total"] = (spec.Memory / 1024).ToString(CultureInfo.InvariantCulture) },
        spec.GuestTools.Features);

    /// <summary>
    /// Magic system request keys o, b and c power off, reboot and crash; the triggers power and sleep press buttons that
    /// make a guest shut down, reset reboots, nmi and init crash. Others are taken without an effect.
    /// </summary>
    public static GuestReaction React(GuestSignal signal, string value) => (signal, value) switch
    {
        (GuestSignal.SysRq, "o") or (GuestSignal.Trigger, "power" or "sleep") => GuestReaction.ShutDown,
        (GuestSignal.SysRq, "b") or (GuestSignal.Trigger, "reset") => GuestReaction.Reboot,
        (GuestSignal.SysRq, "c") or (GuestSignal.Trigger, "nmi" or "init") => GuestReaction.Crash,
        _ => GuestReaction.None,
    };

    private static Dictionary<string, string> Os(DomainSpec spec) =>
        spec.Platform["viridian"]?.ToString() == "true"
            ? new(StringComparer.Ordinal) { ["name"] = "Microsoft Windows Server 2022 Standard", ["distro"] = "windows", ["major"] = "10", ["minor"] = "0", ["spmajor"] = "0", ["spminor"] = "0" }
            : new(StringComparer.Ordinal) { ["name"] = "Debian GNU/Linux 12 (bookworm)", ["distro"] = "debian", ["major"] = "12", ["minor"] = "0", ["uname"] = "6.1.0-18-amd64" };

    /// <summary>The same interface always has the same addresses, in the networks kept for examples.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Addresses(DomainInterface nic)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(nic.Mac));
        var device = nic.Device.ToString(CultureInfo.InvariantCulture);
        var four = "198.18." + hash[0] + "." + ((hash[1] % 254) + 1);
        var six = "2001:db8::" + Convert.ToHexString(hash, 2, 2).ToLowerInvariant();
        yield return new(device + "/ip", four);
        yield return new(device + "/ipv4/0", four);
        yield return new(device + "/ipv6/0", six);
    }
}
