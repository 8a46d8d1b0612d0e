using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>What the rules of networks and devices ask about the pool: features, protection, the switch in use.</summary>
public static class PoolFacts
{
    public const string VifLocking = "VIF_locking";
    public const string GuestIpSetting = "Guest_ip_setting";
    public const string NetworkSriov = "Network_sriov";
    public const string PvsProxy = "PVS_proxy";
    public const string IgmpSnooping = "IGMP_snooping";
    public const string UsbPassthrough = "USB_passthrough";

    public static Record Pool(IRecords records) => records.All(records.Model.Class("pool")).First();

    /// <summary>The host a call without a host parameter is about: the one the caller talks to.</summary>
    public static string LocalHost(IRecords records, CallContext context) =>
        context.SessionRecord?.Target("this_host") is { } host && records.Find(host) is not null ? host : Pool(records).Target("master");

    /// <summary>LICENCE_RESTRICTION when the pool's restrictions name the feature.</summary>
    public static void RequireFeature(IRecords records, string feature)
    {
        if (!HasFeature(records, "restrict_" + feature.ToLowerInvariant()))
            throw new XenException("LICENCE_RESTRICTION", feature);
    }

    public static bool HasFeature(IRecords records, string restriction) =>
        Pool(records).Map("restrictions")[restriction]?.ToString() != "true";

    /// <summary>HA_IS_ENABLED or REDO_LOG_IS_ENABLED: interfaces in use stay as they are under such protection.</summary>
    public static void RequireUnprotected(IRecords records, Record pif)
    {
        if (!pif.Flag("currently_attached"))
            return;
        RequireNoHa(records);
        if (Pool(records).Flag("redo_log_enabled"))
            throw new XenException("REDO_LOG_IS_ENABLED");
    }

    public static void RequireNoHa(IRecords records)
    {
        if (Pool(records).Flag("ha_enabled"))
            throw new XenException("HA_IS_ENABLED");
    }

    public static bool UsesVswitch(Record host) => host.Map("software_version")["network_backend"]?.ToString() == "openvswitch";

    public static void RequireVswitch(IRecords records)
    {
        if (!records.All(records.Model.Class("host")).All(UsesVswitch))
            throw new XenException("OPENVSWITCH_NOT_ACTIVE");
    }

    /// <summary>Some calls answer INVALID_VALUE, not HANDLE_INVALID, for references of nothing.</summary>
    public static Record RequireReference(IRecords records, string @class, string parameter, Ref reference) =>
        records.Find(reference.Text) is { } record && record.Class.Name == @class
            ? record
            : throw new XenException("INVALID_VALUE", parameter, reference.Text);
}
