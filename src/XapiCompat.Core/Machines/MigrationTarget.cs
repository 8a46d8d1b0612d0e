using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Where migrate_send goes: what host.migrate_receive has written, read back and checked.</summary>
/// <param name="Interfaces">New networks by VIF.</param>
public sealed record MigrationTarget(Ref Host, IReadOnlyDictionary<string, string> Interfaces)
{
    private const string HostKey = "host";

    /// <summary>The map that a sender gets for a host of this pool.</summary>
    public static XenStruct Describe(Record host, Record network, string session) => XenStruct.Of(
        (HostKey, host.Reference),
        ("SM", "https://" + host.Text("address") + "/services/SM?session_id=" + session),
        ("xenops", "https://" + host.Text("address") + "/services/xenops?session_id=" + session),
        ("master", "https://" + host.Text("address") + "/"),
        ("session_id", session),
        ("network", network.Reference));

    /// <summary>
    /// Reads a destination. A host that is not of this pool, and a move of disks to another SR, are refused: there is
    /// nobody to send them to and no mirror to send them with.
    /// </summary>
    public static MigrationTarget Read(IRecords records, Record vm, XenStruct destination, XenStruct disks, XenStruct interfaces)
    {
        if (destination[HostKey]?.ToString() is not { } given)
            throw new XenException("INVALID_VALUE", "dest", "");
        if (records.Find(given) is not { Class.Name: "host" } host)
            throw new XenException("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED");
        for (var i = 0; i < disks.Count; i++)
        {
            var vdi = records.Get("VDI", disks.Names[i]);
            var sr = records.Get("SR", disks.Values[i].ToString()!);
            if (vdi.Target("SR") != sr.Reference)
                throw new XenException("SR_DOES_NOT_SUPPORT_MIGRATION", vdi.Target("SR"));
        }

        var networks = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < interfaces.Count; i++)
        {
            var vif = records.Get("VIF", interfaces.Names[i]);
            if (vif.Target("VM") != vm.Reference)
                throw new XenException("INVALID_VALUE", "vif_map", vif.Reference);
            networks[vif.Reference] = records.Get("network", interfaces.Values[i].ToString()!).Reference;
        }

        return new(host.Ref, networks);
    }

    /// <summary>Connects the VIFs to the networks asked for.</summary>
    public void Connect(UnitOfWork unit)
    {
        foreach (var (vif, network) in Interfaces)
        {
            if (unit.Find(vif) is not null)
                unit.Set(vif, "network", network);
        }
    }
}
