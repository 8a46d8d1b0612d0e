using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Host by host, whether a VM could start there, and why not.</summary>
public static class HostReport
{
    /// <summary>Prints a line for each host of the pool.</summary>
    public static async Task PrintAsync(XeCall call, string vm)
    {
        var rows = new List<KeyValuePair<string, string>>();
        foreach (var host in await call.Api.ListAsync("host.get_all"))
        {
            var reason = await ReasonAsync(call, "VM.assert_can_boot_here", vm, host);
            rows.Add(KeyValuePair.Create(
                await call.Api.TextAsync("host.get_name_label", host), reason is null ? "OK" : "Cannot start here [" + reason + "]"));
        }

        await call.PrintTableAsync(rows);
    }

    /// <summary>Why an assertion of the API does not hold, in words; null when it does.</summary>
    public static async Task<string?> ReasonAsync(XeCall call, string assertion, params XenValue[] arguments)
    {
        try
        {
            await call.Api.CallAsync(assertion, arguments);
            return null;
        }
        catch (XenException refusal)
        {
            return await ExplainAsync(call, refusal.Failure);
        }
    }

    /// <summary>Runs a start; when no host takes the VM the user learns about each of them before the error.</summary>
    public static async Task OnNoHostAsync(XeCall call, string vm, Func<Task> start)
    {
        try
        {
            await start();
        }
        catch (XenException refusal) when (refusal.Failure.Code == "NO_HOSTS_AVAILABLE")
        {
            await call.Printer.ItemsAsync(["No host is able to start this VM.", "This is why each of them cannot:", ""]);
            await PrintAsync(call, vm);
            throw;
        }
    }

    private static async Task<string> ExplainAsync(XeCall call, XenFailure failure) => (failure.Code, failure.Parameters) switch
    {
        ("VM_REQUIRES_SR", [_, var sr, ..]) => "VM requires access to SR: " + await NameAsync(call, "SR", sr),
        ("VM_REQUIRES_NETWORK", [_, var network, ..]) => "VM requires access to network: " + await NameAsync(call, "network", network),
        ("HOST_CANNOT_ATTACH_NETWORK", [_, var network, ..]) => "Host cannot attach to network: " + await NameAsync(call, "network", network),
        ("HOST_DISABLED", _) => "Host disabled (xe host-enable enables it)",
        ("HOST_DISABLED_INDEFINITELY", _) => "Host disabled for good (xe host-enable enables it)",
        ("HOST_NOT_LIVE", _) => "Host down",
        ("HOST_NOT_ENOUGH_FREE_MEMORY", _) => "Not enough free memory",
        ("HOST_NOT_ENOUGH_PCPUS", [var needed, var present, ..]) => "Not enough CPUs (VM needs " + needed + ", but host has " + present + ")",
        ("VM_HVM_REQUIRED", _) => "HVM not supported",
        ("INVALID_VALUE", [var field, var value, ..]) => "Field has invalid value: " + field + " = " + value,
        ("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", [var sr, ..]) => "VM needs an SR that is not shared and plugged on every host: " + await NameAsync(call, "SR", sr),
        ("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", [var network, ..]) => "VM needs a network that not every host has: " + await NameAsync(call, "network", network),
        _ => failure.Code + ": [ " + string.Join("; ", failure.Parameters) + " ]",
    };

    /// <summary>Uuid and name of an object, or its reference when it has gone.</summary>
    private static async Task<string> NameAsync(XeCall call, string @class, string reference)
    {
        try
        {
            return await call.TitleAsync(@class, reference);
        }
        catch (XenException)
        {
            return reference;
        }
    }
}
