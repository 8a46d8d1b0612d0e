using XapiCompat.Store;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a VIF allows in the states that exist without a hypervisor.</summary>
public static class DeviceOperations
{
    public static IEnumerable<string> AllowedOnVif(IRecords records, Record vif)
    {
        if (vif.Map("current_operations").Count > 0)
            yield break;
        yield return "attach";
        if (records.Find(vif.Target("VM"))?.Text("power_state") == "Running")
            yield return vif.Flag("currently_attached") ? "unplug" : "plug";
    }
}
