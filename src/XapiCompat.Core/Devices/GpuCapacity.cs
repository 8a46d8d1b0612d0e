using XapiCompat.Core.Networking;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Devices;

/// <summary>How many virtual GPUs of a type a physical one still takes, and why it takes none.</summary>
public static class GpuCapacity
{
    /// <summary>Of several reasons the one that a client can do most about is told.</summary>
    private static readonly string[] Reasons =
        ["VGPU_TYPE_NOT_SUPPORTED", "VGPU_TYPE_NOT_ENABLED", "VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE", "PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU"];

    /// <summary>Zero when the GPU takes none; the reason is in <paramref name="why"/>.</summary>
    public static long Remaining(IRecords records, Record pgpu, Record type, out XenFailure? why)
    {
        why = Refusal(records, pgpu, type);
        if (why is not null)
            return 0;
        var free = IsPassthrough(type) ? FreeAsWhole(records, pgpu) : FreeShares(records, pgpu, type);
        if (free > 0)
            return free;
        why = new("PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU", pgpu.Reference, type.Reference);
        return 0;
    }

    /// <summary>The sum over a group's GPUs.</summary>
    public static long RemainingInGroup(IRecords records, Record group, Record type, out XenFailure? why)
    {
        var total = 0L;
        var refusals = new List<XenFailure>();
        foreach (var pgpu in records.Pointing("PGPU", "GPU_group", group.Reference))
        {
            total += Remaining(records, pgpu, type, out var refusal);
            if (refusal is not null)
                refusals.Add(refusal);
        }

        why = total > 0 ? null : refusals.MaxBy(r => Array.IndexOf(Reasons, r.Code)) ?? new("GPU_GROUP_CONTAINS_NO_PGPUS", group.Reference);
        return total;
    }

    /// <summary>VGPU_TYPE_NOT_SUPPORTED unless the GPU can carry the type at all.</summary>
    public static XenFailure? Unsupported(Record pgpu, string type) => pgpu.Set("supported_VGPU_types").Contains(type)
        ? null
        : new("VGPU_TYPE_NOT_SUPPORTED", [type, .. pgpu.Set("supported_VGPU_types")]);

    private static XenFailure? Refusal(IRecords records, Record pgpu, Record type)
    {
        if (Unsupported(pgpu, type.Reference) is { } unsupported)
            return unsupported;
        if (!pgpu.Set("enabled_VGPU_types").Contains(type.Reference))
            return new("VGPU_TYPE_NOT_ENABLED", [type.Reference, .. pgpu.Set("enabled_VGPU_types")]);
        var running = Allocated(records, pgpu).Select(v => v.Target("type")).ToList();
        return running.All(t => records.FindOf("VGPU_type", t)?.Set("compatible_types_on_pgpu").Contains(type.Reference) == true)
            ? null
            : new("VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE", pgpu.Reference, type.Reference, string.Join(';', running.Distinct().Order(StringComparer.Ordinal)));
    }

    private static bool IsPassthrough(Record type) => type.Text("implementation") == "passthrough";

    private static long FreeAsWhole(IRecords records, Record pgpu)
    {
        var scheduled = records.Pointing("VGPU", "scheduled_to_be_resident_on", pgpu.Reference).Any();
        return scheduled || records.FindOf("PCI", pgpu.Target("PCI"))?.Set("attached_VMs").Any() == true ? 0 : 1;
    }

    private static long FreeShares(IRecords records, Record pgpu, Record type)
    {
        var used = Allocated(records, pgpu).Sum(v => records.FindOf("VGPU_type", v.Target("type"))?.Int("size") ?? 0);
        return type.Int("size") <= 0 ? 0 : Math.Max(0, (pgpu.Int("size") - used) / type.Int("size"));
    }

    private static IEnumerable<Record> Allocated(IRecords records, Record pgpu) =>
        records.Pointing("VGPU", "resident_on", pgpu.Reference).Concat(records.Pointing("VGPU", "scheduled_to_be_resident_on", pgpu.Reference));
}
