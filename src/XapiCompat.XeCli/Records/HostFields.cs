using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of hosts, their processors, interfaces and updates.</summary>
internal static class HostFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("host", "memory-free-computed", r => Computations.TryAsync(
            async () => (await r.Api.CallAsync("host.compute_free_memory", r.Reference)).ToString()!, Placeholders.Unknown)),
        new("host", "patches", PatchesAsync),
        new("host", "updates", async r => FieldValue.Set(await Computations.UuidsAsync(r, "pool_update", r.Values.Members("updates")), ", ")),
        new("host_cpu", "utilisation", r => Computations.TryAsync(
            async () => FieldReader.Fraction(await Computations.SourceAsync(r, "host", r.Text("host"), "cpu" + r.Text("number"))), Placeholders.Unknown)),
        new("pif", "io_read_kbs", r => Computations.RateAsync(r, "host", r.Text("host"), "pif_" + r.Text("device") + "_rx")),
        new("pif", "io_write_kbs", r => Computations.RateAsync(r, "host", r.Text("host"), "pif_" + r.Text("device") + "_tx")),
        new("pif", "speed", async r => FieldValue.Of((await r.LinkedAsync("metrics"))?["speed"] is { } speed ? speed + " Mbit/s" : Placeholders.NotInDatabase)),
        new("pif", "duplex", DuplexAsync),
        new("network_sriov", "remaining-capacity", r => Computations.TryAsync(
            async () => (await r.Api.CallAsync("network_sriov.get_remaining_capacity", r.Reference)).ToString()!, Placeholders.Unknown)),
        new("pool_patch", "hosts", PatchedHostsAsync),
        new("pool_patch", "after-apply-guidance", r => new(FieldValue.Set(r.Values.Members("after_apply_guidance"), ", "))),
        new("pool_update", "hosts", async r => FieldValue.Set(await Computations.UuidsAsync(r, "host", r.Values.Members("hosts")), ", ")),
        new("pool_update", "after-apply-guidance", r => new(FieldValue.Set(r.Values.Members("after_apply_guidance"), ", "))),
    ];

    private static async ValueTask<FieldValue> DuplexAsync(LiveRecord record)
    {
        var metrics = await record.LinkedAsync("metrics");
        return FieldValue.Of(
            metrics is null ? Placeholders.NotInDatabase
            : metrics["duplex"]?.ToString() == "true" ? "full"
            : metrics["carrier"]?.ToString() == "true" ? "half"
            : "unknown");
    }

    private static async ValueTask<FieldValue> PatchesAsync(LiveRecord record)
    {
        var uuids = new List<string>();
        foreach (var applied in record.Values.Members("patches"))
            uuids.Add(await record.UuidAsync("pool_patch", (await record.FindAsync("host_patch", applied))?["pool_patch"]?.ToString() ?? ""));
        return FieldValue.Set(uuids, ", ");
    }

    private static async ValueTask<FieldValue> PatchedHostsAsync(LiveRecord record)
    {
        var uuids = new List<string>();
        foreach (var applied in record.Values.Members("host_patches"))
            uuids.Add(await record.UuidAsync("host", (await record.FindAsync("host_patch", applied))?["host"]?.ToString() ?? ""));
        return FieldValue.Set(uuids, ", ");
    }
}
