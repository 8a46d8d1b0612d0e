using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>What storage drivers find.</summary>
public static class SrProbeCommands
{
    [XeCommand("sr-probe")]
    public static async Task ProbeAsync(XeCall call) => await call.Printer.ItemAsync(Rows.Text(await FindAsync(call, "SR.probe")));

    [XeCommand("sr-probe-ext")]
    public static async Task ProbeExtAsync(XeCall call)
    {
        var results = ((XenArray)await FindAsync(call, "SR.probe_ext")).Items.Cast<XenStruct>().ToList();
        var found = results.Where(r => r["sr"] is XenStruct).ToList();
        if (found.Count > 0)
            await call.Printer.LineAsync("The following SRs were found:");
        for (var i = 0; i < found.Count; i++)
        {
            await call.Printer.LineAsync("SR " + i + ":");
            await call.PrintTableAsync(Statistics((XenStruct)found[i]["sr"]!));
            await PrintAsync(call, "SR " + i + " configuration:", "SR " + i + " extra information:", found[i]);
        }

        await PrintAllAsync(call, "Complete configurations, of which SRs can be made:", results.Where(r => r["sr"] is not XenStruct && Complete(r)));
        await PrintAllAsync(call, "Incomplete configurations, in which SRs may be:", results.Where(r => r["sr"] is not XenStruct && !Complete(r)));
    }

    private static async Task<XenValue> FindAsync(XeCall call, string message) => await call.Api.CallAsync(
        message, await SrHost.FindAsync(call, coordinator: true), call.Parameters.Struct("device-config"), call.Parameters.Required("type"),
        call.Parameters.Struct("sm-config"));

    private static bool Complete(XenStruct result) => result["complete"] is XenBool { Flag: true };

    private static IReadOnlyList<KeyValuePair<string, string>> Statistics(XenStruct sr) =>
    [
        .. new[] { "uuid", "name_label", "name_description", "total_space", "free_space", "clustered", "health" }
            .Where(name => sr[name] is not null and not XenNil)
            .Select(name => KeyValuePair.Create(name.Replace('_', '-'), Rows.Text(sr[name]!))),
    ];

    private static async Task PrintAllAsync(XeCall call, string title, IEnumerable<XenStruct> results)
    {
        var i = 0;
        foreach (var result in results)
        {
            if (i == 0)
                await call.Printer.LineAsync(title);
            await PrintAsync(call, "Configuration " + i + ":", "Configuration " + i + " extra information:", result);
            i++;
        }
    }

    private static async Task PrintAsync(XeCall call, string configuration, string extra, XenStruct result)
    {
        await call.Printer.LineAsync(configuration);
        await call.PrintTableAsync(result["configuration"] ?? XenStruct.Empty);
        await call.Printer.LineAsync(extra);
        await call.PrintTableAsync(result["extra_info"] ?? XenStruct.Empty);
    }
}
