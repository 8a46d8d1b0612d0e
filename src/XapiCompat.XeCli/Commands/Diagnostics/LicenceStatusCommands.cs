using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Diagnostics;

/// <summary>The licences of all hosts in a table; the one that ends first stands first.</summary>
public static class LicenceStatusCommands
{
    private static readonly string[] Heading = ["Hostname", "UUID", "Features", "Edition", "Expiry", "Days left"];
    private static readonly string[] Divider = ["-", "-", "-", "-", "-", "-"];

    [XeCommand("diagnostic-license-status")]
    public static async Task ShowAsync(XeCall call)
    {
        var hosts = new List<(DateTimeOffset End, string[] Row)>();
        foreach (var (_, host) in await call.Api.RecordsAsync("host"))
            hosts.Add(Host(host, call.Time.GetUtcNow()));
        var restrictions = (XenStruct)await call.ActOnPoolAsync("pool.get_restrictions");
        string[] pool = ["-", "-", LicenceFeatures.Line(restrictions), "-", "-", "-"];
        List<string[]> table = [Heading, Divider, .. hosts.OrderBy(h => h.End).Select(h => h.Row), Divider, pool];
        var widths = Enumerable.Range(0, Heading.Length).Select(column => table.Max(row => row[column].Length)).ToList();
        foreach (var row in table)
            await call.Printer.LineAsync(string.Join(" ", row.Select((text, column) => text.PadRight(widths[column]))));
    }

    private static (DateTimeOffset End, string[] Row) Host(XenStruct host, DateTimeOffset now)
    {
        var licence = (XenStruct)host["license_params"]!;
        var end = DateTimeOffset.UnixEpoch;
        if (licence["expiry"]?.ToString() is { } text && XenDate.TryParse(text, out var date))
            end = DateTimeOffset.ParseExact(date.Text.TrimEnd('Z'), "yyyyMMdd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        var days = (end - now).TotalDays.ToString("F1", CultureInfo.InvariantCulture);
        return (end, [
            host["hostname"]!.ToString()!, host["uuid"]!.ToString()![..8], LicenceFeatures.Line(licence), host["edition"]!.ToString()!,
            XenDate.Format(end).Text, days,
        ]);
    }
}
