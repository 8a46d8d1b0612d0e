using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Rules of SRs and PBDs that no list of allowed operations shows.</summary>
public static class SrRules
{
    public static XenFailure? Destroyable(IRecords records, Record sr)
    {
        if (sr.Map("other_config")["indestructible"]?.ToString() == "true")
            return new("SR_INDESTRUCTIBLE", sr.Reference);
        return records.All(records.Model.Class("host")).FirstOrDefault(h => h.Target("local_cache_sr") == sr.Reference) is { } host
            ? new("SR_IS_CACHE_SR", host.Reference)
            : null;
    }

    /// <summary>Only a shared SR is plugged on several hosts.</summary>
    public static XenFailure? Pluggable(IRecords records, Record sr, Record pbd)
    {
        if (sr.Flag("shared"))
            return null;
        var other = sr.Set("PBDs").Select(records.Find).OfType<Record>()
            .FirstOrDefault(p => p.Reference != pbd.Reference && p.Flag("currently_attached") && p.Target("host") != pbd.Target("host"));
        return other is null ? null : new("SR_NOT_SHARABLE", sr.Reference, other.Target("host"));
    }

    /// <summary>No VM on the PBD's host may have a disk of the SR; metadata disks are the server's own.</summary>
    public static XenFailure? Unpluggable(IRecords records, Record sr, Record pbd)
    {
        var used = sr.Set("VDIs").Select(records.Find).OfType<Record>()
            .Where(v => v.Text("type") != "metadata" && v.Set("VBDs").Select(records.Find).OfType<Record>().Any(b => IsActiveOn(records, b, pbd.Target("host"))))
            .Select(v => v.Reference)
            .ToArray();
        return used.Length == 0 ? null : new("VDI_IN_USE", used);
    }

    private static bool IsActiveOn(IRecords records, Record vbd, string host) =>
        VbdFacts.IsActive(vbd) && !vbd.Flag("empty") && records.Find(vbd.Target("VM"))?.Target("resident_on") == host;
}
