namespace XapiCompat.XeCli.Commands;

/// <summary>Hosts by what users call them.</summary>
public static class NamedHost
{
    /// <summary>Reference of the first host with that uuid or name-label.</summary>
    public static async Task<string> NamedHostAsync(this XeCall call, string name)
    {
        foreach (var (reference, host) in await call.Api.RecordsAsync("host"))
        {
            if (host["uuid"]?.ToString() == name || host["name_label"]?.ToString() == name)
                return reference;
        }

        throw new XeException("Host " + name + " not found");
    }
}
