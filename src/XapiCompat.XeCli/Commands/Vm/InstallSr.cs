using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>The SR that an installation was told to use.</summary>
public static class InstallSr
{
    /// <summary>Null when the command line names none. A snapshot's disks stay where they are: there it may not name one.</summary>
    public static async Task<string?> ChosenAsync(XeCall call, string template)
    {
        var name = call.Parameters.Find("sr-name-label");
        var named = call.Parameters.Has("sr-uuid");
        if (((XenBool)await call.Api.CallAsync("VM.get_is_a_snapshot", template)).Flag)
        {
            return name is null && !named
                ? null
                : throw new XeException("sr-name-label and sr-uuid do not go with a snapshot: each new disk goes to the SR of the snapshot's disk.");
        }

        var sr = named ? await call.RefAsync("SR", "sr-uuid") : null;
        if (name is null)
            return sr;
        var candidates = await call.Api.ListAsync("SR.get_by_name_label", name);
        if (candidates.Count == 0)
            throw new XeException("No SR with that name-label found");
        if (sr is not null)
            return candidates.Contains(sr) ? sr : throw new XeException("The SR of sr-uuid does not have the name of sr-name-label");
        return candidates.Count == 1 ? candidates[0] : throw new XeException("Multiple SRs with that name-label found");
    }
}
