using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Hosts enabled, disabled, rebooted, switched off and on.</summary>
public sealed class HostPowerHandlers(RecordStore store, OperationGuard guard, HostPower power, VmPower machines, HostSettings settings)
{
    [XenMessage("host.disable")]
    public void Disable(CallContext context, Ref host, bool autoEnable)
    {
        var record = store.Current.Get("host", host);
        if (!record.Flag("enabled"))
            return;
        store.Commit(unit => unit.Set(unit.Get("host", host).Reference, "enabled", false));
        if (!autoEnable)
            settings.Set(record.Uuid, HostSettings.AutoEnable, "false");
    }

    [XenMessage("host.enable")]
    public async ValueTask Enable(CallContext context, Ref host)
    {
        var record = store.Current.Get("host", host);
        await using var scope = await guard.BeginAsync(context, [new("host", host.Text, "enable")], unit =>
        {
            var now = unit.Get("host", host);
            if (now.Flag("enabled"))
                return;
            if (now.Set("pending_guidances").Any())
                throw new XenException("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", host.Text);
            if (settings.Get(now.Uuid, HostSettings.DisabledUntilReboot) == "true")
                throw new XenException("HOST_DISABLED_UNTIL_REBOOT", host.Text);
        });
        settings.Set(record.Uuid, HostSettings.AutoEnable, null);
        store.Commit(unit =>
        {
            unit.Set(host.Text, "enabled", true);
            scope.End(unit);
        });
    }

    [XenMessage("host.reboot")]
    public async ValueTask Reboot(CallContext context, Ref host)
    {
        await using var scope = await GoDownAsync(context, host, "reboot");
        context.Progress(0.5);
        power.ComeUp(host.Text);
    }

    /// <summary>The host stays down until host.power_on.</summary>
    [XenMessage("host.shutdown")]
    public async ValueTask Shutdown(CallContext context, Ref host)
    {
        await using var scope = await GoDownAsync(context, host, "shutdown");
    }

    [XenMessage("host.power_on")]
    public async ValueTask PowerOn(CallContext context, Ref host)
    {
        await using var scope = await guard.BeginAsync(context, [new("host", host.Text, "power_on")]);
        power.ComeUp(host.Text);
    }

    [XenMessage("host.set_power_on_mode")]
    public void SetPowerOnMode(CallContext context, Ref self, string mode, XenStruct config) => store.Commit(unit =>
    {
        var host = unit.Get("host", self);
        SecretEdits.DeleteNamedBy(unit, host.Map("power_on_config"));
        unit.Set(self.Text, "power_on_mode", Storable.Clean(mode));
        unit.Set(self.Text, "power_on_config", Storable.Clean(config));
    });

    [XenMessage("host.restart_agent")]
    public void RestartAgent(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        power.RestartAgent(host.Text);
    }

    [XenMessage("host.is_in_emergency_mode")]
    public bool IsInEmergencyMode(CallContext context) => PoolHosts.Hosts(store.Current).All(h => h.Reference != PoolHosts.Pool(store.Current).Target("master"));

    /// <summary>Shuts down the VMs that are still there, then the host itself.</summary>
    private async ValueTask<OperationScope> GoDownAsync(CallContext context, Ref host, string operation)
    {
        var scope = await guard.BeginAsync(context, [new("host", host.Text, operation)]);
        try
        {
            foreach (var guest in PoolHosts.Guests(store.Current, store.Current.Get("host", host)).ToList())
                await machines.ShutdownAsync(context, guest.Ref);
            power.GoDown(host.Text);
            return scope;
        }
        catch
        {
            await scope.DisposeAsync();
            throw;
        }
    }
}
