using XapiCompat.Store;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a VBD or VIF allows in the states that exist without a hypervisor.</summary>
public static class DeviceOperations
{
    public static IEnumerable<string> AllowedOnVbd(IRecords records, Record vbd)
    {
        var attached = vbd.Flag("currently_attached");
        var running = records.Find(vbd.Target("VM"))?.Text("power_state") == "Running";
        if (vbd.Map("current_operations").Count > 0 || records.Find(vbd.Target("VDI"))?.Flag("managed") == false)
            yield break;
        if (records.Find(vbd.Target("VDI"))?.Map("current_operations") is not { } busy || busy.Values.All(o => o.ToString() is "mirror" or "copy"))
            yield return "attach";
        if (vbd.Text("type") == "CD")
        {
            yield return vbd.Flag("empty") ? "insert" : "eject";
        }
        else if (running)
        {
            if (!attached)
                yield return "plug";
            else if (vbd.Flag("unpluggable"))
            {
                yield return "unplug";
                yield return "unplug_force";
            }
        }

        if (running)
        {
            yield return "pause";
            yield return "unpause";
        }
    }

    public static IEnumerable<string> AllowedOnVif(IRecords records, Record vif)
    {
        if (vif.Map("current_operations").Count > 0)
            yield break;
        yield return "attach";
        if (records.Find(vif.Target("VM"))?.Text("power_state") == "Running")
            yield return vif.Flag("currently_attached") ? "unplug" : "plug";
    }
}
