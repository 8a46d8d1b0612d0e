using XapiCompat.Values;
using XapiCompat.XeCli.Arguments;

namespace XapiCompat.XeCli.Commands.Access;

/// <summary>How fast API clients may call.</summary>
public static class RateLimitCommands
{
    [XeCommand("rate-limit-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var limit = await call.Api.TextAsync("Rate_limit.create", XenStruct.Of(
            ("name_label", p.Text("name-label")), ("name_description", p.Text("name-description")),
            ("burst_size", XeUnits.Fraction("burst-size", p.Required("burst-size"))),
            ("fill_rate", XeUnits.Fraction("fill-rate", p.Required("fill-rate")))));
        foreach (var caller in (await call.RefsAsync("Caller", "caller-uuids")).Items)
            await call.Api.CallAsync("Rate_limit.add_caller", limit, caller);
        await call.Printer.LineAsync(await call.Api.UuidAsync("Rate_limit", limit));
    }

    [XeCommand("rate-limit-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Rate_limit.destroy");

    [XeCommand("rate-limit-add-caller")]
    public static async Task AddCallerAsync(XeCall call) =>
        await call.ActAsync("Rate_limit.add_caller", await call.RefAsync("Caller", "caller-uuid"));

    [XeCommand("rate-limit-remove-caller")]
    public static async Task RemoveCallerAsync(XeCall call) =>
        await call.ActAsync("Rate_limit.remove_caller", await call.RefAsync("Caller", "caller-uuid"));
}
