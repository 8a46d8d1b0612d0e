using XapiCompat.Values;
using XapiCompat.XeCli.Errors;
using XapiCompat.XeCli.Records;

namespace XapiCompat.XeCli.Selecting;

/// <summary>Commands that act on the objects which their parameters select.</summary>
public static class Selectors
{
    private const long UsualPriority = 5;

    /// <summary>
    /// Runs <paramref name="operation"/> on each selected VM, then prints the messages that it left. Without
    /// <c>--multiple</c> more than one hit is refused.
    /// </summary>
    /// <param name="templatesToo">Templates and snapshots can be hit.</param>
    /// <param name="onlyOne">Not even <c>--multiple</c> allows more than one.</param>
    /// <param name="controlDomainsToo">The domains of the hosts themselves can be hit.</param>
    public static async Task ForEachVmAsync(
        this XeCall call, Func<XeRecord, Task> operation, bool templatesToo = false, bool onlyOne = false, bool controlDomainsToo = false)
    {
        var defaults = new List<KeyValuePair<string, string>>();
        if (!templatesToo)
            defaults.Add(new("is-a-template", "false"));
        if (!controlDomainsToo)
            defaults.Add(new("is-control-domain", "false"));
        var hits = await Selection.FindAsync(call, "vm", defaults, ["uuid", "name_label"]);
        var limit = long.TryParse(call.Parameters.Find("message-priority"), out var given) ? given : UsualPriority;
        await RunAsync(call, hits, "VMs", onlyOne, async vm =>
        {
            // Messages are dated in whole seconds: those of the last second that were there before are left out by reference.
            var since = XenDate.Format(call.Time.GetUtcNow().AddSeconds(-1));
            var before = await MessagesAsync(call, vm, since);
            await operation(vm);
            await PrintMessagesAsync(call, (await MessagesAsync(call, vm, since)).Where(m => !before.ContainsKey(m.Key)).Select(m => m.Value), limit);
        });
    }

    public static async Task ForEachHostAsync(this XeCall call, Func<XeRecord, Task> operation, bool onlyOne = false) =>
        await RunAsync(call, await Selection.FindAsync(call, "host", [], ["uuid", "hostname", "name_label"]), "hosts", onlyOne, operation);

    public static async Task ForEachSrAsync(this XeCall call, Func<XeRecord, Task> operation, bool onlyOne = false) =>
        await RunAsync(call, await Selection.FindAsync(call, "sr", [], ["uuid", "name_label"]), "SRs", onlyOne, operation);

    private static async Task RunAsync(XeCall call, IReadOnlyList<LiveRecord> hits, string things, bool onlyOne, Func<XeRecord, Task> operation)
    {
        switch (hits.Count)
        {
            case 0:
                throw new XeException("No matching " + things + " found");
            case 1:
                await operation(hits[0]);
                return;
            case > 1 when onlyOne:
                throw new XeException("Several " + things + " match, but this operation takes one at a time");
            case > 1 when !call.Parameters.Flag("multiple"):
                throw new XeException("Several " + things + " match; give --multiple to act on all of them");
        }

        var failures = new List<KeyValuePair<string, string>>();
        foreach (var hit in hits)
        {
            try
            {
                await operation(hit);
            }
            catch (XenException e)
            {
                failures.Add(new(hit.Text("uuid"), await TextAsync(call, e.Failure)));
            }
            catch (XeException e)
            {
                failures.Add(new(hit.Text("uuid"), e.Message));
            }
        }

        if (failures.Count > 0)
            throw new XeOperationsException(failures);
    }

    private static async Task<string> TextAsync(XeCall call, XenFailure failure)
    {
        var error = await ApiErrors.DescribeAsync(failure, ((LiveRecords)call.Records).Tables, call.Api);
        return error.Text is null ? failure.Code + ": [ " + string.Join("; ", error.Parameters) + " ]" : string.Join('\n', [error.Text, .. error.Lines]);
    }

    private static async Task<IReadOnlyDictionary<string, XenStruct>> MessagesAsync(XeCall call, XeRecord vm, XenDateTime since)
    {
        try
        {
            var found = (XenStruct)await call.Api.CallAsync("message.get", "VM", vm.Values["uuid"]!, since);
            return found.Names.Zip(found.Values.Cast<XenStruct>()).ToDictionary(m => m.First, m => m.Second, StringComparer.Ordinal);
        }
        catch (XenException)
        {
            // The VM may be gone, which is what some operations are for.
            return new Dictionary<string, XenStruct>();
        }
    }

    private static async Task PrintMessagesAsync(XeCall call, IEnumerable<XenStruct> left, long limit)
    {
        foreach (var message in left)
        {
            if (message["priority"] is XenInt priority && priority.Number < limit)
            {
                await call.Printer.ErrorAsync(
                    "Message: time=" + message["timestamp"] + " priority=" + priority + " name='" + message["name"] + "'\n");
            }
        }
    }
}
