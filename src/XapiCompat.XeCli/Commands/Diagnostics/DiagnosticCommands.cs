using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Diagnostics;

/// <summary>What the management agents count about themselves.</summary>
public static class DiagnosticCommands
{
    [XeCommand("diagnostic-compact")]
    public static Task CompactAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("Diagnostics.gc_compact", host.Reference), onlyOne: true);

    [XeCommand("diagnostic-gc-stats")]
    public static Task MemoryAsync(XeCall call) =>
        call.ForEachHostAsync(async host => await call.PrintTableAsync(await call.Api.CallAsync("Diagnostics.gc_stats", host.Reference)), onlyOne: true);

    [XeCommand("diagnostic-db-stats")]
    public static async Task DatabaseAsync(XeCall call)
    {
        var counts = Rows.Of((XenStruct)await call.Api.CallAsync("Diagnostics.db_stats"));
        await call.Printer.LineAsync("DB lock stats: " + string.Join(" ", counts.Select(c => c.Key + "=" + c.Value)));
    }

    [XeCommand("diagnostic-timing-stats")]
    public static async Task TimesAsync(XeCall call)
    {
        var counts = call.Parameters.Flag("counts");
        var tables = new List<IReadOnlyList<KeyValuePair<string, string>>>();
        foreach (var host in await call.Api.ListAsync("host.get_all"))
        {
            List<KeyValuePair<string, string>> rows =
            [
                KeyValuePair.Create("host-uuid", await call.Api.UuidAsync("host", host)),
                KeyValuePair.Create("host-name-label", await call.Api.TextAsync("host.get_name_label", host)),
            ];
            try
            {
                rows.AddRange(Rows.Of((XenStruct)await call.Api.CallAsync("host.get_diagnostic_timing_stats", host, counts)));
            }
            catch (XenException e)
            {
                rows.Add(KeyValuePair.Create("Error", e.Failure.ToString()));
            }

            tables.Add([.. rows.OrderBy(r => r.Key, StringComparer.Ordinal)]);
        }

        await call.Printer.TableAsync(tables);
    }
}
