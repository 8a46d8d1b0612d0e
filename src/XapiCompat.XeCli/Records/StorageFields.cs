using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of disks and storage repositories.</summary>
internal static class StorageFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("sr", "host", HostAsync),
        new("vdi", "metadata-of-pool", MetadataPoolAsync),
    ];

    /// <summary>The only host that has the SR.</summary>
    private static async ValueTask<FieldValue> HostAsync(LiveRecord record)
    {
        var connections = record.Values.Members("PBDs");
        return FieldValue.Of(connections.Count switch
        {
            0 => Placeholders.NotInDatabase,
            1 => await record.NameAsync("host", (await record.FindAsync("PBD", connections[0]))?["host"]?.ToString() ?? ""),
            _ => Placeholders.Shared,
        });
    }

    /// <summary>A disk of another pool's database tells that pool's uuid only when it is read.</summary>
    private static async ValueTask<FieldValue> MetadataPoolAsync(LiveRecord record)
    {
        var pool = record.Text("metadata_of_pool");
        var own = await record.UuidAsync("pool", pool);
        if (own != Placeholders.NotInDatabase || record.Text("type") != "metadata")
            return FieldValue.Of(own);
        return await Computations.TryAsync(
            async () => await record.Api.TextAsync("VDI.read_database_pool_uuid", record.Reference) is { Length: > 0 } uuid ? uuid : Placeholders.NotInDatabase,
            Placeholders.NotInDatabase);
    }
}
