using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>
/// Where hosts get their licences: changed before a command asks for an edition, and put back when no licence could be had.
/// </summary>
internal static class LicenceServer
{
    private const int HighestPort = 65535;

    public static async Task WithChangesAsync(XeCall call, IReadOnlyList<string> hosts, Func<Task> apply)
    {
        var before = new List<XenValue>();
        foreach (var host in hosts)
            before.Add(await call.Api.CallAsync("host.get_license_server", host));
        if (call.Parameters.Find("license-server-address") is { } address)
            await SetAsync(call, hosts, "address", address);
        if (call.Parameters.Find("license-server-port") is { } port)
        {
            if (int.TryParse(port, out var number) && number is >= 0 and <= HighestPort)
                await SetAsync(call, hosts, "port", port);
            else
                await call.Printer.ErrorAsync("NOTE: The port number is not valid; the one that was set is kept.\n");
        }

        try
        {
            await apply();
        }
        catch (XenException e) when (e.Failure is { Code: "LICENSE_CHECKOUT_ERROR", Parameters: [var first, var second] })
        {
            for (var i = 0; i < hosts.Count; i++)
                await call.Api.CallAsync("host.set_license_server", hosts[i], before[i]);
            await call.Printer.ErrorAsync(first + ": " + second + "\n");
            throw new XeExitException(1);
        }
        catch (XenException e) when (e.Failure.Code == "INVALID_EDITION")
        {
            var host = await call.Api.TextAsync("session.get_this_host", call.Api.Session);
            await call.Printer.ErrorAsync("Valid editions are: " + string.Join(", ", await call.Api.ListAsync("host.get_editions", host)) + "\n");
            throw;
        }
    }

    private static async Task SetAsync(XeCall call, IReadOnlyList<string> hosts, string key, string value)
    {
        foreach (var host in hosts)
        {
            await call.Api.CallAsync("host.remove_from_license_server", host, key);
            await call.Api.CallAsync("host.add_to_license_server", host, key, value);
        }
    }
}
