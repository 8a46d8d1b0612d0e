using XapiCompat.Store;

namespace XapiCompat.Core.Networking;

/// <summary>The interface by which a host is managed; the host's address is that interface's.</summary>
public static class Management
{
    public static Record? InterfaceOf(IRecords records, string host) =>
        records.Pointing("PIF", "host", host).FirstOrDefault(p => p.Flag("management"));

    /// <summary>Moves the management of an interface's host to it and brings it up.</summary>
    public static void MoveTo(UnitOfWork unit, Record pif)
    {
        foreach (var other in unit.Pointing("PIF", "host", pif.Target("host")).Where(p => p.Flag("management") && p.Reference != pif.Reference).ToList())
            unit.Set(other.Reference, "management", false);
        PifState.BringUp(unit, pif.Reference);
        unit.Set(pif.Reference, "management", true);
        FollowAddress(unit, pif.Target("host"));
    }

    /// <summary>host.address follows the management interface, as far as that has an address.</summary>
    public static void FollowAddress(UnitOfWork unit, string host)
    {
        if (InterfaceOf(unit, host) is { } pif && Address(pif) is { Length: > 0 } address && unit.FindOf("host", host) is not null)
            unit.Set(host, "address", address);
    }

    private static string? Address(Record pif) => pif.Text("primary_address_type") == "IPv4"
        ? pif.Text("IP")
        : pif.Set("IPv6").Select(a => Addresses.CidrAddress(AddressFamilyRule.IPv6, a)).FirstOrDefault(a => a is not null && !a.StartsWith("fe80:", StringComparison.OrdinalIgnoreCase));
}
