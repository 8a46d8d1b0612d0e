using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>
/// The messages that a pool writes about what calls do to its VMs, in the commit of the change itself. What a guest does on its
/// own, and the suspend and resume inside a checkpoint, make none.
/// </summary>
public sealed class VmMessages(MessageService messages)
{
    private const long Informational = 5;

    public void Started(UnitOfWork unit, Ref vm) => Add(unit, "VM_STARTED", vm, "started on " + Host(unit, vm));

    public void Resumed(UnitOfWork unit, Ref vm) => Add(unit, "VM_RESUMED", vm, "resumed on " + Host(unit, vm));

    public void Paused(UnitOfWork unit, Ref vm) => Add(unit, "VM_PAUSED", vm, "paused");

    public void Unpaused(UnitOfWork unit, Ref vm) => Add(unit, "VM_UNPAUSED", vm, "unpaused");

    public void Suspended(UnitOfWork unit, Ref vm) => Add(unit, "VM_SUSPENDED", vm, "suspended");

    public void ShutDown(UnitOfWork unit, Ref vm, bool forced) => Add(unit, "VM_SHUTDOWN", vm, forced ? "shut down by force" : "shut down");

    public void Rebooted(UnitOfWork unit, Ref vm, bool forced) => Add(unit, "VM_REBOOTED", vm, forced ? "rebooted by force" : "rebooted");

    /// <param name="source">The host that the VM came from; it is on the other one already.</param>
    public void Migrated(UnitOfWork unit, Ref vm, string source) => Add(unit, "VM_MIGRATED", vm, "moved from " + Named(unit, source) + " to " + Host(unit, vm));

    public void Reverted(UnitOfWork unit, Ref vm, Ref snapshot) => Add(unit, "VM_SNAPSHOT_REVERTED", vm, "reverted to " + Named(unit, snapshot.Text));

    /// <summary>A message about the source of a copy; plain clones and full copies make none.</summary>
    public void Copied(UnitOfWork unit, Ref vm, string copy, string operation)
    {
        switch (operation)
        {
            case "snapshot":
                Add(unit, "VM_SNAPSHOTTED", vm, "has the snapshot " + Named(unit, copy));
                break;
            case "checkpoint":
                Add(unit, "VM_CHECKPOINTED", vm, "has the checkpoint " + Named(unit, copy));
                break;
            case "csvm":
                Add(unit, "VM_CLONED", vm, "has the clone " + Named(unit, copy));
                break;
        }
    }

    private void Add(UnitOfWork unit, string name, Ref vm, string what) =>
        messages.Add(unit, name, Informational, "VM", unit.Get("VM", vm).Uuid, Named(unit, vm.Text) + " " + what);

    private static string Host(UnitOfWork unit, Ref vm) => Named(unit, unit.Get("VM", vm).Target("resident_on"));

    private static string Named(UnitOfWork unit, string reference) =>
        unit.Find(reference) is { } record ? record.Text("name_label") + " (" + record.Uuid + ")" : reference;
}
