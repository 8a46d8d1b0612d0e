using System.Collections.Concurrent;
using XapiCompat.Core.Networking;
using XapiCompat.Store;

namespace XapiCompat.Core.Devices;

/// <summary>
/// Whether the control domain has a PCI device. A change takes effect at the host's next boot; until then the answer says
/// so. A GPU's record keeps it; of other devices it is known until the server ends.
/// </summary>
public sealed class PciAccess
{
    private readonly ConcurrentDictionary<string, string> _others = new(StringComparer.Ordinal);

    public string Status(IRecords records, Record pci) =>
        records.Pointing("PGPU", "PCI", pci.Reference).FirstOrDefault()?.Text("dom0_access") ?? _others.GetValueOrDefault(pci.Reference, "enabled");

    /// <returns>The status after the change.</returns>
    public string Set(UnitOfWork unit, Record pci, bool enable)
    {
        var status = (Status(unit, pci), enable) switch
        {
            ("disabled" or "enable_on_reboot", true) => "enable_on_reboot",
            ("disabled" or "enable_on_reboot", false) => "disabled",
            (_, true) => "enabled",
            (_, false) => "disable_on_reboot",
        };
        _others[pci.Reference] = status;
        foreach (var pgpu in unit.Pointing("PGPU", "PCI", pci.Reference).ToList())
            unit.Set(pgpu.Reference, "dom0_access", status);
        return status;
    }
}
