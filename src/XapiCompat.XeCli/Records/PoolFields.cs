using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of the pool and of those who use it.</summary>
internal static class PoolFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("pool", "supported-sr-types", async r => FieldValue.Set(await r.Api.ListAsync("SR.get_supported_types"), "; ")),
        new("pool", "license-state", async r =>
        {
            var state = (XenStruct)await r.Api.CallAsync("pool.get_license_state", r.Reference);
            return FieldValue.Map([.. state.Names.Zip(state.Values, (name, value) => KeyValuePair.Create(name, value.ToString()!))], "; ");
        }),
        new("pool", "https-only", async r => FieldValue.Of((await HostValuesAsync(r, "https_only")).TrueForAll(v => v == "true") ? "true" : "false")),
        new("pool", "ssh-enabled", r => SameAsync(r, "ssh_enabled")),
        new("pool", "ssh-enabled-timeout", r => SameAsync(r, "ssh_enabled_timeout")),
        new("pool", "ssh-expiry", r => SameAsync(r, "ssh_expiry")),
        new("pool", "console-idle-timeout", r => SameAsync(r, "console_idle_timeout")),
        new("pool", "ssh-auto-mode", r => SameAsync(r, "ssh_auto_mode")),
        new("subject", "roles", async r => FieldValue.Set(await Computations.NamesAsync(r, "role", r.Values.Members("roles")), "; ")),
    ];

    /// <summary>What all hosts agree on.</summary>
    private static async ValueTask<FieldValue> SameAsync(LiveRecord record, string field)
    {
        var values = (await HostValuesAsync(record, field)).Distinct(StringComparer.Ordinal).ToList();
        return FieldValue.Of(values.Count == 1 ? values[0] : Placeholders.Inconsistent);
    }

    private static async Task<List<string>> HostValuesAsync(LiveRecord record, string field) =>
        [.. (await record.Api.RecordsAsync("host")).Select(h => h.Value[field]?.ToString() ?? "")];
}
