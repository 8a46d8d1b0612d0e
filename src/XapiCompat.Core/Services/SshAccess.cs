using System.Collections.Concurrent;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>SSH of hosts as records show it: on, off, on for a time, or left to the host itself.</summary>
public sealed class SshAccess(RecordStore store, TimeProvider clock) : IDisposable
{
    private const long LongestTimeout = 2 * 24 * 60 * 60;

    private readonly ConcurrentDictionary<string, ITimer> _ends = new(StringComparer.Ordinal);

    /// <summary>Takes up again what a restart interrupted: ends that are past happen now.</summary>
    public void Resume()
    {
        foreach (var host in PoolHosts.Hosts(store.Current).Where(h => h.Flag("ssh_enabled") && h.Int("ssh_enabled_timeout") > 0))
        {
            if (DateTimeOffset.TryParseExact(host.Text("ssh_expiry"), "yyyyMMdd'T'HH:mm:ss'Z'", null, System.Globalization.DateTimeStyles.AssumeUniversal, out var end)
                && end > DateTimeOffset.UnixEpoch)
                EndAt(host.Reference, end - clock.GetUtcNow(), autoAgain: false);
        }
    }

    public void Enable(string host)
    {
        var record = store.Current.Get("host", host);
        var auto = record.Flag("ssh_auto_mode");
        var timeout = record.Int("ssh_enabled_timeout");
        store.Commit(unit =>
        {
            unit.Get("host", host);
            unit.Set(host, "ssh_auto_mode", false);
            unit.Set(host, "ssh_enabled", true);
            unit.Set(host, "ssh_expiry", Expiry(timeout));
        });
        EndAfter(host, timeout, auto);
    }

    public void Disable(string host)
    {
        Forget(host);
        store.Commit(unit =>
        {
            unit.Get("host", host);
            unit.Set(host, "ssh_enabled", false);
            unit.Set(host, "ssh_expiry", XenDate.Format(clock.GetUtcNow()));
        });
    }

    /// <param name="timeout">Seconds that SSH stays on, 0 for ever; at most two days.</param>
    public void SetTimeout(string host, long timeout)
    {
        var on = store.Current.Get("host", host).Flag("ssh_enabled");
        if (timeout is < 0 or > LongestTimeout)
            throw new XenException("INVALID_VALUE", "ssh_enabled_timeout", timeout.ToString());
        store.Commit(unit =>
        {
            unit.Set(host, "ssh_enabled_timeout", timeout);
            if (on)
                unit.Set(host, "ssh_expiry", Expiry(timeout));
        });
        if (on)
            EndAfter(host, timeout, autoAgain: false);
    }

    public void SetAuto(string host, bool value) => store.Commit(unit =>
    {
        unit.Get("host", host);
        unit.Set(host, "ssh_auto_mode", value);
    });

    public void SetConsoleTimeout(string host, long timeout) => store.Commit(unit =>
    {
        unit.Get("host", host);
        if (timeout < 0)
            throw new XenException("INVALID_VALUE", "console_timeout", timeout.ToString());
        unit.Set(host, "console_idle_timeout", timeout);
    });

    public void Dispose()
    {
        foreach (var host in _ends.Keys)
            Forget(host);
    }

    private XenDateTime Expiry(long timeout) => timeout == 0 ? XenDate.Never : XenDate.Format(clock.GetUtcNow().AddSeconds(timeout));

    private void EndAfter(string host, long timeout, bool autoAgain)
    {
        Forget(host);
        if (timeout > 0)
            EndAt(host, TimeSpan.FromSeconds(timeout), autoAgain);
    }

    private void EndAt(string host, TimeSpan left, bool autoAgain) => _ends[host] = clock.CreateTimer(
        _ =>
        {
            Forget(host);
            store.Commit(unit =>
            {
                if (unit.Find(host) is null)
                    return;
                unit.Set(host, "ssh_enabled", false);
                if (autoAgain)
                    unit.Set(host, "ssh_auto_mode", true);
            });
        },
        null,
        left > TimeSpan.Zero ? left : TimeSpan.Zero,
        Timeout.InfiniteTimeSpan);

    private void Forget(string host)
    {
        if (_ends.TryRemove(host, out var timer))
            timer.Dispose();
    }
}
