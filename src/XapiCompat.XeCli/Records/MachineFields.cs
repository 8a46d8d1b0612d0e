using System.Globalization;
using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Computed fields of VMs and of what belongs to them.</summary>
internal static class MachineFields
{
    public static IReadOnlyList<ComputedField> All { get; } =
    [
        new("vm", "memory-target", MemoryTargetAsync),
        new("vm", "VCPUs-utilisation", UtilisationAsync),
        new("vm", "allowed-VBD-devices", r => Computations.TrySetAsync(() => r.Api.ListAsync("VM.get_allowed_VBD_devices", r.Reference))),
        new("vm", "allowed-VIF-devices", r => Computations.TrySetAsync(() => r.Api.ListAsync("VM.get_allowed_VIF_devices", r.Reference))),
        new("vm", "possible-hosts", r => Computations.TrySetAsync(
            async () => await Computations.UuidsAsync(r, "host", await r.Api.ListAsync("VM.get_possible_hosts", r.Reference)))),
        new("vm", "cooperative", r => Computations.TryAsync(async () => (await r.Api.CallAsync("VM.get_cooperative", r.Reference)).ToString()!, "true")),
        new("vm", "last-boot-record", r => new(FieldValue.Of("'" + r.Text("last_booted_record") + "'"))),
        new("vmss", "VMs", async r => FieldValue.Set(await Computations.UuidsAsync(r, "VM", r.Values.Members("VMs")), "; ")),
        new("vif", "io_read_kbs", r => Computations.RateAsync(r, "VM", r.Text("VM"), "vif_" + r.Text("device") + "_rx")),
        new("vif", "io_write_kbs", r => Computations.RateAsync(r, "VM", r.Text("VM"), "vif_" + r.Text("device") + "_tx")),
        new("vbd", "io_read_kbs", r => Computations.RateAsync(r, "VM", r.Text("VM"), "vbd_" + r.Text("device") + "_read")),
        new("vbd", "io_write_kbs", r => Computations.RateAsync(r, "VM", r.Text("VM"), "vbd_" + r.Text("device") + "_write")),
        new("vbd", "vdi-name-label", async r => FieldValue.Of(r.Text("empty") == "true" ? Placeholders.Empty : await r.NameAsync("VDI", r.Text("VDI")))),
        new("vbd", "attachable", AttachableAsync),
        new("vtpm", "secret", SecretAsync),
    ];

    private static ValueTask<FieldValue> MemoryTargetAsync(LiveRecord record) => Computations.TryAsync(
        async () =>
        {
            try
            {
                return ((long)await Computations.SourceAsync(record, "VM", record.Reference, "memory_target")).ToString(CultureInfo.InvariantCulture);
            }
            catch (XenException e) when (e.Failure.Code == "VM_BAD_POWER_STATE")
            {
                return "0";
            }
        },
        Placeholders.Unknown);

    private static async ValueTask<FieldValue> UtilisationAsync(LiveRecord record)
    {
        var count = (await record.LinkedAsync("metrics"))?["VCPUs_number"] is XenInt number ? number.Number : 0;
        var pairs = new List<KeyValuePair<string, string>>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var index = i.ToString(CultureInfo.InvariantCulture);
                pairs.Add(KeyValuePair.Create(index, FieldReader.Fraction(await Computations.SourceAsync(record, "VM", record.Reference, "cpu" + index))));
            }
        }
        catch (XenException)
        {
            return FieldValue.Of("");
        }

        return FieldValue.Map(pairs, "; ");
    }

    private static async ValueTask<FieldValue> AttachableAsync(LiveRecord record)
    {
        try
        {
            await record.Api.CallAsync("VBD.assert_attachable", record.Reference);
            return FieldValue.Of("true");
        }
        catch (XenException e)
        {
            return FieldValue.Of("false (error: " + e.Failure.Code + ": [ " + string.Join("; ", e.Failure.Parameters) + " ])");
        }
    }

    /// <summary>Only what tells one content from another.</summary>
    private static ValueTask<FieldValue> SecretAsync(LiveRecord record) => Computations.TryAsync(
        async () =>
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(await record.Api.TextAsync("VTPM.get_contents", record.Reference));
#pragma warning disable CA5351 // The command line has always printed this digest; nothing is protected by it.
            return "MD5=" + Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(bytes)) + " size=" + bytes.Length.ToString(CultureInfo.InvariantCulture) + " bytes";
#pragma warning restore CA5351
        },
        Placeholders.Unknown);
}
