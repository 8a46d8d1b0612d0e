using System.Collections.Frozen;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computes a field that is no plain value of one record.</summary>
internal delegate ValueTask<FieldValue> FieldComputation(LiveRecord record);

/// <summary>The fields whose value takes more than the record tables can say, by table and name.</summary>
internal static class ComputedFields
{
    private static readonly FrozenDictionary<(string Table, string Field), FieldComputation> All =
        new[] { MachineFields.All, HostFields.All, PoolFields.All, StorageFields.All, DeviceFields.All, DriverFields.All }
            .SelectMany(g => g)
            .ToFrozenDictionary(f => (f.Table, f.Field), f => f.Compute);

    /// <summary>Null when the tables say it all.</summary>
    public static FieldComputation? Find(RecordTable table, RecordField field) => All.GetValueOrDefault((table.Name, field.Name));
}
