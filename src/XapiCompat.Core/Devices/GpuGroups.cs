using XapiCompat.Core.Networking;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Devices;

/// <summary>What a group of GPUs knows is the union of what its GPUs know.</summary>
public static class GpuGroups
{
    public const string Enabled = "enabled_VGPU_types";
    public const string Supported = "supported_VGPU_types";

    public static void Update(UnitOfWork unit, string group, params IReadOnlyList<string> fields)
    {
        if (unit.FindOf("GPU_group", group) is null)
            return;
        foreach (var field in fields)
        {
            var types = unit.Pointing("PGPU", "GPU_group", group).SelectMany(p => p.Set(field)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            unit.Set(group, field, XenArray.Of(types));
        }
    }
}
