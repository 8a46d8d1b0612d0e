using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Messages;

/// <summary>Messages about objects.</summary>
public static class MessageCommands
{
    private static readonly (string Parameter, string Class)[] Subjects = [("vm-uuid", "VM"), ("pool-uuid", "Pool"), ("sr-uuid", "SR"), ("host-uuid", "Host")];

    [XeCommand("message-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        if (!long.TryParse(p.Required("priority"), out var priority))
            throw new XeException("Priority field should be an integer");
        foreach (var (parameter, @class) in Subjects)
        {
            if (p.Find(parameter) is not { } uuid)
                continue;
            await call.Api.CallAsync("message.create", p.Required("name"), priority, @class, uuid, p.Required("body"));
            return;
        }

        throw new XeException("Need one of: vm-uuid, host-uuid, sr-uuid or pool-uuid");
    }

    [XeCommand("message-destroy")]
    public static async Task DestroyAsync(XeCall call)
    {
        if (call.Parameters.Has("uuid") == call.Parameters.Has("uuids"))
            throw new XeException((call.Parameters.Has("uuid") ? "Ambiguous arguments; need" : "Need") + " one of uuid, uuids");
        var messages = await call.RefsAsync("message", call.Parameters.Has("uuid") ? "uuid" : "uuids");
        await call.Api.CallAsync("message.destroy_many", messages);
    }

    [XeCommand("message-destroy-all")]
    public static Task DestroyAllAsync(XeCall call)
    {
        var filters = new List<KeyValuePair<string, string>>();
        AddTime(call, "before", filters);
        AddTime(call, "after", filters);
        if (call.Parameters.Find("priority") is { } priority)
        {
            filters.Add(ulong.TryParse(priority.Trim(), out var number)
                ? KeyValuePair.Create("priority", number.ToString())
                : throw new XeException("Invalid priority format (expected positive integer)"));
        }

        return call.Api.CallAsync("message.destroy_all", XenStruct.Of(filters));
    }

    private static void AddTime(XeCall call, string name, List<KeyValuePair<string, string>> filters)
    {
        if (call.Parameters.Find(name) is not { } text)
            return;
        filters.Add(XenDate.TryParse(text, out var time)
            ? KeyValuePair.Create(name, time.Text)
            : throw new XeException("Invalid time in '" + name + "': a form such as 2025-01-01T00:00:00Z is expected"));
    }
}
