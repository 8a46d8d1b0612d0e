using XapiCompat.Values;
using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Commands;

/// <summary>Waits for something to become true.</summary>
public sealed class EventCommands
{
    private const double Round = 30;
    private const string Differs = "/=";

    /// <summary>Classes that can be waited for.</summary>
    private static readonly string[] Classes =
        ["vm", "vdi", "sr", "host", "network", "vif", "pif", "vbd", "pbd", "pool", "task", "subject", "role", "secret", "vmss"];

    /// <summary>Ends when one record of the class has all the values that were asked for.</summary>
    [XeCommand("event-wait")]
    public async Task WaitAsync(XeCall call)
    {
        var name = call.Parameters.Required("class");
        if (!Classes.Contains(name))
            throw new XeException("Nothing can be waited for on the class '" + name + "'");
        var records = (LiveRecords)call.Records;
        var table = records.Tables.Record(name == "network" ? "net" : name);
        var conditions = call.Parameters.Pairs
            .Where(p => p.Key != "class" && !records.Tables.CommonParameters.Contains(p.Key))
            .Select(p => Condition(table, p.Key, p.Value))
            .ToList();

        // Each look is at the records themselves: events only say when to look again.
        var token = "";
        while (true)
        {
            foreach (var record in await records.AllOfAsync(table))
            {
                if (await MatchesAsync(record, conditions))
                    return;
            }

            var batch = (XenStruct)await call.Api.CallAsync("event.from", XenArray.Of([table.Class.WireClass]), token, Round);
            token = batch["token"]!.ToString()!;
        }
    }

    private static (RecordField Field, string Value, bool Equal) Condition(RecordTable table, string name, string value)
    {
        var field = table.Find(name) ?? throw new XeException("Unknown field '" + name + "'");
        return value.StartsWith(Differs, StringComparison.Ordinal) ? (field, value[Differs.Length..], false) : (field, value, true);
    }

    private static async Task<bool> MatchesAsync(LiveRecord record, List<(RecordField Field, string Value, bool Equal)> conditions)
    {
        foreach (var (field, value, equal) in conditions)
        {
            if ((await record.ReadAsync(field)).Text == value != equal)
                return false;
        }

        return true;
    }
}
