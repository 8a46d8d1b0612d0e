namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>The host that a storage command works on.</summary>
internal static class SrHost
{
    /// <param name="coordinator">Without <c>host-uuid</c> the coordinator of a larger pool is meant, too.</param>
    public static async Task<string> FindAsync(XeCall call, bool coordinator)
    {
        if (call.Parameters.Has("host-uuid"))
            return await call.RefAsync("host", "host-uuid");
        return coordinator || (await call.Api.ListAsync("host.get_all")).Count == 1
            ? await call.CoordinatorAsync()
            : throw new XeException("Required parameter not found: host-uuid");
    }
}
