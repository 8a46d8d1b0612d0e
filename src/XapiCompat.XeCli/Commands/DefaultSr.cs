using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>Where disks go when the user names no SR.</summary>
public static class DefaultSr
{
    /// <summary>Reference of the pool's default SR; null when there is none.</summary>
    public static async Task<string?> DefaultSrAsync(this XeCall call)
    {
        var sr = await call.Api.TextAsync("pool.get_default_SR", (await call.Api.ListAsync("pool.get_all"))[0]);
        try
        {
            await call.Api.UuidAsync("SR", sr);
            return sr;
        }
        catch (XenException)
        {
            return null;
        }
    }

    /// <summary>The SR of <c>sr-uuid=</c>, or the default one.</summary>
    public static async Task<string> SrOrDefaultAsync(this XeCall call) =>
        call.Parameters.Has("sr-uuid")
            ? await call.RefAsync("SR", "sr-uuid")
            : await call.DefaultSrAsync() ?? throw new XeException("The pool has no default SR: name one with sr-uuid=");
}
