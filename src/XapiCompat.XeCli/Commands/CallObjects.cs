using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>From the uuids of a command line to objects, and back.</summary>
public static class CallObjects
{
    /// <summary>The object that a uuid parameter names.</summary>
    public static Task<string> RefAsync(this XeCall call, string @class, string parameter = "uuid") =>
        call.Api.ByUuidAsync(@class, call.Parameters.Required(parameter));

    /// <summary>The object that a uuid parameter names; the null reference when the parameter is absent.</summary>
    public static Task<string> RefOrNullAsync(this XeCall call, string @class, string parameter) =>
        call.Parameters.Find(parameter) is { } uuid ? call.Api.ByUuidAsync(@class, uuid) : Task.FromResult(Ref.Null.Text);

    /// <summary>The objects that the uuids of a comma separated parameter name, in their order.</summary>
    public static async Task<XenArray> RefsAsync(this XeCall call, string @class, string parameter)
    {
        var references = new List<string>();
        foreach (var uuid in call.Parameters.List(parameter))
            references.Add(await call.Api.ByUuidAsync(@class, uuid.Trim()));
        return XenArray.Of(references);
    }

    /// <summary>A message of the object that <c>uuid=</c> names; its class is the first half of the message's name.</summary>
    /// <param name="more">What the message takes behind the object.</param>
    public static async Task<XenValue> ActAsync(this XeCall call, string message, params XenValue[] more)
    {
        XenValue self = await call.RefAsync(message[..message.IndexOf('.', StringComparison.Ordinal)]);
        return await call.Api.CallAsync(message, [self, .. more]);
    }

    /// <summary>Prints the uuid of an object that was just made.</summary>
    public static async Task PrintUuidAsync(this XeCall call, string @class, string reference) =>
        await call.Printer.ItemAsync(await call.Api.UuidAsync(@class, reference));

    /// <summary>Makes an object with a message whose answer is its reference, and prints its uuid.</summary>
    /// <param name="message">Its class is the first half of the message's name.</param>
    public static async Task CreateAsync(this XeCall call, string message, params XenValue[] arguments)
    {
        var reference = await call.Api.TextAsync(message, arguments);
        await call.PrintUuidAsync(message[..message.IndexOf('.', StringComparison.Ordinal)], reference);
    }

    /// <summary>The pool, or the one that <c>uuid=</c> names.</summary>
    public static async Task<string> PoolAsync(this XeCall call) =>
        call.Parameters.Has("uuid") ? await call.RefAsync("pool") : (await call.Api.ListAsync("pool.get_all"))[0];

    /// <summary>A message whose first argument is the pool.</summary>
    public static async Task<XenValue> ActOnPoolAsync(this XeCall call, string message, params XenValue[] more)
    {
        XenValue pool = await call.PoolAsync();
        return await call.Api.CallAsync(message, [pool, .. more]);
    }

    public static async Task<string> CoordinatorAsync(this XeCall call) =>
        await call.Api.TextAsync("pool.get_master", (await call.Api.ListAsync("pool.get_all"))[0]);

    /// <summary>The host that answers this session, or the one that a uuid parameter names.</summary>
    public static Task<string> HostOrThisAsync(this XeCall call, string parameter) =>
        call.Parameters.Has(parameter) ? call.RefAsync("host", parameter) : call.Api.TextAsync("session.get_this_host", call.Api.Session);

    /// <summary>Uuid and name of an object, as reports show it.</summary>
    public static async Task<string> TitleAsync(this XeCall call, string @class, string reference) =>
        await call.Api.UuidAsync(@class, reference) + " (" + await call.Api.TextAsync(@class + ".get_name_label", reference) + ")";
}
