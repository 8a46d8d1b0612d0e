using System.Globalization;
using System.Text;
using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of graphics and PCI devices.</summary>
internal static class DeviceFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("pgpu", "dependencies", async r => FieldValue.Set(await DependenciesAsync(r, await r.LinkedAsync("PCI")), "; ")),
        new("pci", "dependencies", async r => FieldValue.Set(await DependenciesAsync(r, r.Values), "; ")),
        new("gpu_group", "enabled-VGPU-types", r => TypesAsync(r, "GPU_group.get_enabled_VGPU_types")),
        new("gpu_group", "supported-VGPU-types", r => TypesAsync(r, "GPU_group.get_supported_VGPU_types")),
        new("vgpu", "type-model-name", async r => FieldValue.Of((await r.LinkedAsync("type"))?["model_name"]?.ToString() ?? Placeholders.NotInDatabase)),
        new("vgpu", "compatibility-metadata", r => new(Compatibility(r))),
        new("vgpu_type", "max-resolution", r => new(FieldValue.Of(r.Text("max_resolution_x") + "x" + r.Text("max_resolution_y")))),
    ];

    private static async Task<IReadOnlyList<string>> DependenciesAsync(LiveRecord record, XenStruct? device)
    {
        var addresses = new List<string>();
        foreach (var other in device?.Members("dependencies") ?? [])
        {
            if ((await record.FindAsync("PCI", other))?["pci_id"]?.ToString() is { } address)
                addresses.Add(address);
        }

        return addresses;
    }

    private static async ValueTask<FieldValue> TypesAsync(LiveRecord record, string message) =>
        FieldValue.Set(await Computations.UuidsAsync(record, "VGPU_type", await record.Api.ListAsync(message, record.Reference)), "; ");

    /// <summary>Only how long each part is.</summary>
    private static FieldValue Compatibility(LiveRecord record)
    {
        var parts = (XenStruct)record.Values["compatibility_metadata"]!;
        return FieldValue.Set(
            [.. parts.Names.Zip(parts.Values, (name, value) => name + ":(" + Encoding.UTF8.GetByteCount(value.ToString()!).ToString(CultureInfo.InvariantCulture) + " bytes)")], "; ");
    }
}
