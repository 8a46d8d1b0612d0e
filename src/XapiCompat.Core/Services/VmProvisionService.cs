using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Turns a template into a VM and makes the disks that its other_config describes. All of it, or the template stays one.</summary>
public sealed class VmProvisionService(RecordStore store, VdiCopyService copier, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    private const string DisksKey = "disks";

    public async ValueTask ProvisionAsync(CallContext context, Ref vm)
    {
        store.Current.Get("VM", vm);
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "provision")]);
        var template = store.Current.Get("VM", vm);
        var disks = Parse(template.Map("other_config")[DisksKey]?.ToString())
            .Select(d => (Disk: d, Sr: store.Current.FindByUuid(store.Model.Class("SR"), d.Sr) ?? throw new XenException("UUID_INVALID", "sr", d.Sr)))
            .ToList();
        var made = new List<(PromisedDisk Vdi, ProvisionDisk Disk)>();
        try
        {
            foreach (var (disk, sr) in disks)
            {
                made.Add((await copier.CreateAsync(context, sr, Fields(disk), new Dictionary<string, string> { ["vmhint"] = template.Uuid }), disk));
                context.Progress(0.1 + (0.8 * made.Count / disks.Count));
            }

            store.Commit(unit =>
            {
                foreach (var (vdi, disk) in made)
                {
                    Connect(unit, vm.Text, vdi.Reference, disk);
                    VdiService.End(unit, vdi.Intents);
                }

                unit.Set(vm.Text, "is_a_template", false);
                unit.Set(vm.Text, "other_config", unit.Find(vm.Text)!.Map("other_config").Without(DisksKey).Without("postinstall"));
                if (unit.Find(template.Target("metrics")) is { } metrics)
                    unit.Set(metrics.Reference, "install_time", XenDate.Format(clock.GetUtcNow()));
                scope.End(unit);
            });
        }
        catch
        {
            foreach (var (vdi, _) in made)
                await copier.RemoveAsync(vdi);
            throw;
        }
    }

    private static IReadOnlyList<ProvisionDisk> Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return [];
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            var root = XElement.Load(reader);
            return root.Name.LocalName == "provision"
                ? [.. root.Elements().Select(Disk)]
                : throw Errors.Internal("other_config:disks is no provision document");
        }
        catch (Exception e) when (e is XmlException or FormatException or OverflowException)
        {
            throw Errors.Internal("other_config:disks cannot be read: " + e.Message);
        }
    }

    private static ProvisionDisk Disk(XElement element)
    {
        string Attribute(string name) => element.Attribute(name)?.Value ?? throw Errors.Internal("a disk to provision lacks " + name);
        var type = element.Attribute("type")?.Value.ToLowerInvariant() ?? "system";
        return new(
            Attribute("device"),
            long.Parse(Attribute("size"), CultureInfo.InvariantCulture),
            Attribute("sr"),
            Attribute("bootable") == "true",
            type is "user" or "ephemeral" or "suspend" or "crashdump" ? type : "system");
    }

    private static XenStruct Fields(ProvisionDisk disk) => XenStruct.Of(
        ("name_label", disk.Device),
        ("name_description", "From the disk list of the template"),
        ("virtual_size", disk.Size),
        ("type", disk.Type),
        ("sharable", false));

    private void Connect(UnitOfWork unit, string vm, string vdi, ProvisionDisk disk)
    {
        var device = Handlers.DeviceNumbers.Choose(unit, unit.Find(vm)!, disk.Device);
        unit.Insert(
            unit.Model.Class("VBD"),
            ids.NewReference(),
            [
                ("uuid", ids.NewUuidText()), ("VM", vm), ("VDI", vdi), ("userdevice", device), ("bootable", disk.Bootable), ("mode", "RW"), ("type", "Disk"),
                ("unpluggable", disk.Type != "system"), ("empty", false), ("other_config", XenStruct.Of(("owner", ""))),
                ("metrics", DeviceRecords.NewMetrics(unit, ids, "VBD_metrics")),
            ]);
        if (device != disk.Device)
            unit.Set(vdi, "name_label", device);
    }

    private sealed record ProvisionDisk(string Device, long Size, string Sr, bool Bootable, string Type);
}
