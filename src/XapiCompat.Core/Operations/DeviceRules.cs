using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Rules that VIFs and VUSBs share.</summary>
internal static class DeviceRules
{
    /// <summary>One operation at a time; kinds and tasks stand in braces even when there is one.</summary>
    public static XenFailure? Busy(Record device)
    {
        var current = device.Map("current_operations");
        return current.Count == 0
            ? null
            : new(
                "OTHER_OPERATION_IN_PROGRESS",
                device.Class.Name,
                device.Reference,
                "{" + string.Join("; ", current.Values.Select(v => v.ToString())) + "}",
                "{" + string.Join("; ", current.Names) + "}");
    }

    /// <summary>A VM that is about to go keeps its devices.</summary>
    public static XenFailure? Leaving(Record vm) =>
        vm.Map("current_operations").Values.Select(o => o.ToString()!).FirstOrDefault(o => o is "clean_shutdown" or "hard_shutdown" or "suspend" or "pause") is { } running
            ? new("OPERATION_NOT_ALLOWED", "the VM " + vm.Reference + " is about to go: " + running)
            : null;

    public static XenFailure? Plugging(Record vm, Record device, string operation, bool plugged)
    {
        var state = vm.Text("power_state");
        if (state != "Running")
            return new("VM_BAD_POWER_STATE", vm.Reference, "running", state.ToLowerInvariant());
        if (plugged && operation == "plug")
            return new("DEVICE_ALREADY_ATTACHED", device.Reference);
        return !plugged && operation == "unplug" ? new("DEVICE_ALREADY_DETACHED", device.Reference) : null;
    }
}
