using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>
/// Messages about disks whose changed blocks are not tracked any more although nobody asked for that. That the record still says otherwise
/// is how it is known, so that none is written twice and none is lost with the process.
/// </summary>
public sealed class CbtAlerts(MessageService messages)
{
    /// <summary>Found by a look at the disk: a loss of power took the note of its last writes.</summary>
    public const string Inconsistent = "VDI_CBT_METADATA_INCONSISTENT";

    public const string SnapshotFailed = "VDI_CBT_SNAPSHOT_FAILED";
    public const string ResizeFailed = "VDI_CBT_RESIZE_FAILED";
    private const long Warning = 3;

    /// <param name="vdi">The record as it was.</param>
    /// <param name="reason">The name of the message; null when tracking was to end.</param>
    public void Note(UnitOfWork unit, Record vdi, VolumeInfo volume, string? reason)
    {
        if (reason is null || volume.CbtEnabled || !vdi.Flag("cbt_enabled"))
            return;
        var what = reason switch
        {
            SnapshotFailed => "could not be continued behind a snapshot",
            ResizeFailed => "could not be continued for the new size",
            _ => "was not in order",
        };
        messages.Add(unit, reason, Warning, "VDI", vdi.Uuid, "The log of changed blocks of VDI " + vdi.Uuid + " " + what + ". Changed blocks are not tracked any more.");
    }
}
