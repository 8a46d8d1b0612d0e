using System.Globalization;
using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of host drivers and their variants.</summary>
internal static class DriverFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("driver_variant", "priority", r => new(FieldValue.Of(
            (r.Values["priority"] is XenDouble priority ? priority.Number : 0).ToString("F1", CultureInfo.InvariantCulture).PadLeft(5)))),
        new("driver_variant", "active", r => IsAsync(r, "active_variant")),
        new("driver_variant", "selected", r => IsAsync(r, "selected_variant")),
        new("host_driver", "active-variant", r => NameAsync(r, "active_variant")),
        new("host_driver", "selected-variant", r => NameAsync(r, "selected_variant")),
        new("host_driver", "variants", r => VariantsAsync(r, v => v["name"] + "/" + v["version"])),
        new("host_driver", "variants-dev-status", r => VariantsAsync(r, v => v["name"] + "=" + v["status"])),
        new("host_driver", "variants-uuid", r => VariantsAsync(r, v => v["name"] + "/" + v["uuid"])),
        new("host_driver", "variants-hw-present", r => VariantsAsync(r, v => v["hardware_present"]?.ToString() == "true" ? v["name"]!.ToString() : null)),
    ];

    private static async ValueTask<FieldValue> IsAsync(LiveRecord record, string field) =>
        FieldValue.Of((await record.LinkedAsync("driver"))?[field]?.ToString() == record.Reference ? "true" : "false");

    private static async ValueTask<FieldValue> NameAsync(LiveRecord record, string field) =>
        FieldValue.Of((await record.FindAsync("Driver_variant", record.Text(field)))?["name"]?.ToString() ?? Placeholders.None);

    /// <summary>Of the variants, the preferred first, what <paramref name="print"/> makes of each; null leaves one out.</summary>
    private static async ValueTask<FieldValue> VariantsAsync(LiveRecord record, Func<XenStruct, string?> print)
    {
        var variants = new List<XenStruct>();
        foreach (var variant in record.Values.Members("variants"))
        {
            if (await record.FindAsync("Driver_variant", variant) is { } found)
                variants.Add(found);
        }

        return FieldValue.Set([.. variants.OrderByDescending(v => v["priority"] is XenDouble priority ? priority.Number : 0).Select(print).OfType<string>()], "; ");
    }
}
