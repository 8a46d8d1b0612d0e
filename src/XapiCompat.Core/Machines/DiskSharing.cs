using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Whether a suspended VM can have its disks back, which others may have taken meanwhile.</summary>
internal static class DiskSharing
{
    /// <summary>The first disk that somebody else has in a way that excludes this VM, or null.</summary>
    public static XenFailure? Conflict(IRecords records, Record vm)
    {
        foreach (var vbd in vm.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("empty")))
        {
            if (records.Find(vbd.Target("VDI")) is not { } vdi)
                return new("HANDLE_INVALID", "VDI", vbd.Target("VDI"));
            var others = vdi.Set("VBDs").Where(v => v != vbd.Reference).Select(records.Find).OfType<Record>().Where(v => VbdFacts.HoldsDisk(records, v));
            if (!vdi.Flag("sharable") && others.Any(v => vbd.Text("mode") == "RW" || v.Text("mode") == "RW"))
                return new("VDI_IN_USE", vdi.Reference);
        }

        return null;
    }
}
