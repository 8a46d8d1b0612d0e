using System.Globalization;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Hosts going down and coming back, as far as clients see it: live, enabled, boot times and what waited for a reboot.
/// The server itself goes on answering, also for a coordinator that is down.
/// </summary>
public sealed class HostPower(RecordStore store, HostSettings settings, TimeProvider clock)
{
    public void GoDown(string host) => store.Commit(unit =>
    {
        unit.Set(host, "enabled", false);
        SetLive(unit, host, false);
    });

    public void ComeUp(string host)
    {
        var uuid = store.Current.Get("host", host).Uuid;
        settings.Set(uuid, HostSettings.DisabledUntilReboot, null);
        var enable = settings.Get(uuid, HostSettings.AutoEnable) != "false";
        store.Commit(unit =>
        {
            var record = unit.Get("host", host);
            var now = Seconds(clock.GetUtcNow());
            unit.Set(host, "other_config", record.Map("other_config").With("boot_time", now).With("agent_start_time", now));
            unit.Set(host, "enabled", enable);
            unit.Set(host, "display", record.Text("display") switch
            {
                "disable_on_reboot" => "disabled",
                "enable_on_reboot" => "enabled",
                var other => other,
            });
            foreach (var field in (string[])["pending_guidances", "pending_guidances_recommended", "pending_guidances_full"])
                unit.Set(host, field, XenArray.Of(record.Set(field).Where(g => !g.StartsWith("reboot_host", StringComparison.Ordinal))));
            unit.Set(host, "updates_requiring_reboot", XenArray.Empty);
            SetLive(unit, host, true);
        });
    }

    public void RestartAgent(string host) => store.Commit(unit =>
    {
        var config = unit.Get("host", host).Map("other_config");
        unit.Set(host, "other_config", config.With("agent_start_time", Seconds(clock.GetUtcNow())));
    });

    private void SetLive(UnitOfWork unit, string host, bool live)
    {
        var metrics = unit.Find(host)!.Target("metrics");
        if (unit.Find(metrics) is null)
            return;
        unit.Set(metrics, "live", live);
        unit.Set(metrics, "last_updated", XenDate.Format(clock.GetUtcNow()));
    }

    private static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + ".";
}
