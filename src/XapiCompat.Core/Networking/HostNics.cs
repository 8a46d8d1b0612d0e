using System.Collections.Concurrent;
using XapiCompat.Store;

namespace XapiCompat.Core.Networking;

/// <param name="Mtu">In bytes.</param>
public sealed record HostNic(string Device, string Mac, long Mtu);

/// <summary>
/// The network hardware of the emulated hosts: every physical interface that a host has, and those whose records were
/// forgotten since the start of the server; these can be found again by a scan or introduced.
/// </summary>
public sealed class HostNics
{
    private readonly ConcurrentDictionary<(string Host, string Device), HostNic> _forgotten = new();

    public HostNics(RecordStore store)
    {
        store.Committed += notice =>
        {
            foreach (var pif in notice.Deleted)
            {
                if (pif.Class.Name == "PIF" && pif.Flag("physical"))
                    _forgotten[(pif.Target("host"), pif.Text("device"))] = Nic(pif);
            }
        };
    }

    /// <summary>By device name; what has a record comes from its record.</summary>
    public IReadOnlyDictionary<string, HostNic> On(IRecords records, string host)
    {
        var nics = _forgotten.Where(e => e.Key.Host == host).ToDictionary(e => e.Key.Device, e => e.Value, StringComparer.Ordinal);
        foreach (var pif in records.Pointing("PIF", "host", host).Where(p => p.Flag("physical")))
            nics[pif.Text("device")] = Nic(pif);
        return nics;
    }

    private static HostNic Nic(Record pif) => new(pif.Text("device"), pif.Text("MAC"), pif.Int("MTU"));
}
