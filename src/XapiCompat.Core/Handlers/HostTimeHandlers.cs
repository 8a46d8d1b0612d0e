using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Clock, time zone and time servers of a host.</summary>
public sealed class HostTimeHandlers(RecordStore store, HostClock clock)
{
    private static readonly string[] FactoryServers = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

    [XenMessage("host.get_servertime")]
    public XenValue GetServerTime(CallContext context, Ref host) => XenDate.Format(clock.Now(store.Current.Get("host", host)));

    [XenMessage("host.get_server_localtime")]
    public XenValue GetLocalTime(CallContext context, Ref host) => clock.LocalNow(store.Current.Get("host", host));

    [XenMessage("host.set_servertime")]
    public void SetServerTime(CallContext context, Ref self, XenDateTime value)
    {
        var host = store.Current.Get("host", self);
        if (host.Text("ntp_mode") != "Disabled")
            throw new XenException("NOT_ALLOWED_WHEN_NTP_IS_ENABLED", self.Text);
        if (!DateTimeOffset.TryParseExact(value.Text, "yyyyMMdd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            throw Errors.Internal("the time has no zone: " + value.Text);
        clock.Set(host, time);
    }

    [XenMessage("host.list_timezones")]
    public XenArray ListTimeZones(CallContext context, Ref self)
    {
        store.Current.Get("host", self);
        return XenArray.Of(HostClock.TimeZones);
    }

    [XenMessage("host.set_timezone")]
    public void SetTimeZone(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        unit.Get("host", self);
        if (!HostClock.TimeZones.Contains(value))
            throw new XenException("INVALID_VALUE", "timezone", value);
        unit.Set(self.Text, "timezone", value);
    });

    [XenMessage("host.set_ntp_mode")]
    public void SetNtpMode(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var host = unit.Get("host", self);
        if (value == "Custom" && host.Text("ntp_mode") != "Custom" && !host.Set("ntp_custom_servers").Any())
            throw new XenException("INVALID_NTP_CONFIG", "the host has no servers of its own to ask");
        unit.Set(self.Text, "ntp_mode", value);
    });

    [XenMessage("host.set_ntp_custom_servers")]
    public void SetNtpServers(CallContext context, Ref self, XenArray value) => store.Commit(unit =>
    {
        if (unit.Get("host", self).Text("ntp_mode") == "Custom" && value.Items.Count == 0)
            throw new XenException("INVALID_NTP_CONFIG", "the host asks these servers only, one must stay");
        unit.Set(self.Text, "ntp_custom_servers", Storable.Clean(value));
    });

    /// <summary>The first server is the one in use. What DHCP brings is not known here.</summary>
    [XenMessage("host.get_ntp_servers_status")]
    public XenStruct GetNtpStatus(CallContext context, Ref self)
    {
        var host = store.Current.Get("host", self);
        var servers = host.Text("ntp_mode") switch
        {
            "Factory" => FactoryServers,
            "Custom" => host.Set("ntp_custom_servers").Distinct(),
            _ => [],
        };
        return XenStruct.Of(servers.Select((s, i) => KeyValuePair.Create(s, i == 0 ? "synced" : "combined")));
    }

    [XenMessage("host.get_ntp_synchronized")]
    public bool IsSynchronized(CallContext context, Ref self) => store.Current.Get("host", self).Text("ntp_mode") != "Disabled";
}
