using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>SSH and console settings of a host, or of all hosts at once.</summary>
public sealed class SshHandlers(RecordStore store, SshAccess ssh)
{
    [XenMessage("host.enable_ssh")]
    public void Enable(CallContext context, Ref self) => ssh.Enable(self.Text);

    [XenMessage("host.disable_ssh")]
    public void Disable(CallContext context, Ref self) => ssh.Disable(self.Text);

    [XenMessage("host.set_ssh_enabled_timeout")]
    public void SetTimeout(CallContext context, Ref self, long value) => ssh.SetTimeout(self.Text, value);

    [XenMessage("host.set_ssh_auto_mode")]
    public void SetAuto(CallContext context, Ref self, bool value) => ssh.SetAuto(self.Text, value);

    [XenMessage("host.set_console_idle_timeout")]
    public void SetConsoleTimeout(CallContext context, Ref self, long value) => ssh.SetConsoleTimeout(self.Text, value);

    [XenMessage("pool.enable_ssh")]
    public void EnableAll(CallContext context, Ref self) => OnAll(self, ssh.Enable);

    [XenMessage("pool.disable_ssh")]
    public void DisableAll(CallContext context, Ref self) => OnAll(self, ssh.Disable);

    [XenMessage("pool.set_ssh_enabled_timeout")]
    public void SetTimeoutOfAll(CallContext context, Ref self, long value) => OnAll(self, h => ssh.SetTimeout(h, value));

    [XenMessage("pool.set_ssh_auto_mode")]
    public void SetAutoOfAll(CallContext context, Ref self, bool value) => OnAll(self, h => ssh.SetAuto(h, value));

    [XenMessage("pool.set_console_idle_timeout")]
    public void SetConsoleTimeoutOfAll(CallContext context, Ref self, long value) => OnAll(self, h => ssh.SetConsoleTimeout(h, value));

    private void OnAll(Ref pool, Action<string> change)
    {
        store.Current.Get("pool", pool);
        foreach (var host in PoolHosts.Hosts(store.Current))
            change(host.Reference);
    }
}
