using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Diagnostics;

/// <summary>Observers of the work of hosts.</summary>
public static class ObserverCommands
{
    [XeCommand("observer-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var hosts = await call.RefsAsync("host", "host-uuids");
        await call.CreateAsync("Observer.create", XenStruct.Of(
            ("name_label", p.Required("name-label")), ("name_description", p.Text("name-description")), ("hosts", hosts),
            ("attributes", Attributes(p.List("attributes"))), ("endpoints", XenArray.Of(p.Has("endpoints") ? p.List("endpoints") : ["bugtool"])),
            ("components", XenArray.Of(p.List("components"))), ("enabled", p.Flag("enabled"))));
    }

    [XeCommand("observer-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Observer.destroy");

    /// <summary>Items of the form <c>key:value</c>; others count for nothing.</summary>
    private static XenStruct Attributes(IReadOnlyList<string> items) =>
        XenStruct.Of(items.Select(i => i.Split(':')).Where(i => i.Length == 2).Select(i => KeyValuePair.Create(i[0], i[1])));
}
