using System.Globalization;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Disks.Files;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Laboratory;

/// <summary>Trees to look at, to build and to break; docs/laboratory.md.</summary>
public sealed class TreeFunctions(RecordStore store, StorageHost storage, VolumeRecords records, IdSource ids, TimeProvider clock, FaultPoints points, Planted planted) : IPluginFunctions
{
    private const int DeepestChain = 255;
    private const int Sector = 512;
    private static readonly Dictionary<string, string> Nothing = [];

    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
    [
        ("tree_show", (call, _) => ValueTask.FromResult(Show(Sr(call)))),
        ("chain_make", MakeChainAsync),
        ("plant_orphan_base", (call, _) => ValueTask.FromResult(PlantOrphanBase(Sr(call)))),
        ("plant_stale_parent", (call, _) => ValueTask.FromResult(PlantStaleParent(Vdi(call)))),
        ("plant_bad_footer", (call, _) => ValueTask.FromResult(PlantBadFooter(Vdi(call)))),
        ("plant_full_sr", (call, _) => ValueTask.FromResult(PlantFull(Sr(call)))),
        ("planted_list", (_, _) => ValueTask.FromResult(List())),
        ("planted_undo", UndoAsync),
    ];

    private string Show(Record sr)
    {
        var (lab, configuration) = Files(sr);
        var vdis = sr.Set("VDIs").Select(store.Current.Find).OfType<Record>().ToLookup(v => v.Text("location"), StringComparer.Ordinal);
        return FaultFunctions.Json(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("sr", sr.Uuid);
            writer.WriteString("directory", lab.DirectoryOf(configuration));
            writer.WriteStartArray("nodes");
            foreach (var node in lab.Show(configuration))
            {
                writer.WriteStartObject();
                writer.WriteString("uuid", node.Key);
                writer.WriteString("parent", node.Parent);
                writer.WriteNumber("virtual_size", node.VirtualSize);
                writer.WriteNumber("physical_size", node.PhysicalSize);
                if (node.Blocks is { } blocks)
                    writer.WriteNumber("blocks", blocks);
                else
                    writer.WriteNull("blocks");
                writer.WriteBoolean("hidden", node.Hidden);
                writer.WriteNumber("depth", node.Depth);
                writer.WriteString("problem", node.Problem);
                writer.WriteStartArray("vdis");
                foreach (var vdi in vdis[node.Key])
                {
                    writer.WriteStartObject();
                    writer.WriteString("ref", vdi.Reference);
                    writer.WriteString("name_label", vdi.Text("name_label"));
                    writer.WriteBoolean("managed", vdi.Flag("managed"));
                    writer.WriteBoolean("is_a_snapshot", vdi.Flag("is_a_snapshot"));
                    writer.WriteString("vhd-parent", VdiService.Texts(vdi.Map("sm_config")).GetValueOrDefault("vhd-parent"));
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    /// <summary>Snapshots, with a sector written before each, until the disk's chain has so many files.</summary>
    private async ValueTask<string> MakeChainAsync(PluginCall call, CancellationToken cancellationToken)
    {
        var vdi = Vdi(call).RequireData();
        var depth = FaultFunctions.Number(call.Arguments, "depth", 0);
        if (depth is < 1 or > DeepestChain)
            throw FaultFunctions.Invalid("depth", call.Arguments.GetValueOrDefault("depth", ""));
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        var key = vdi.Text("location");
        var (lab, configuration) = Files(sr);
        var first = lab.Show(configuration).FirstOrDefault(n => n.Key == key)?.Depth ?? throw new XenException("UNIMPLEMENTED_IN_SM_BACKEND", sr.Reference);
        var made = new List<string>();
        var id = planted.Add("chain of " + depth + " files under VDI " + vdi.Uuid, () => DestroyAsync(sr, made));
        try
        {
            for (var now = first; now < depth; now++)
            {
                await using (var device = await attached.OpenAsync(key, DatapathMode.ReadWrite, cancellationToken))
                {
                    var sector = new byte[Sector];
                    await device.ReadAsync(0, sector, cancellationToken);
                    await device.WriteAsync(0, sector, cancellationToken);
                }

                await using var hold = await attached.HoldAsync([key], cancellationToken);
                var changes = await attached.SnapshotAsync(hold, key, ids.NewUuid(), Nothing, VolumeKeys.OfSnapshot(vdi, clock.GetUtcNow()), cancellationToken);
                made.Add(changes.Volume!.Key);
                store.Commit(unit => records.Apply(unit, sr, changes));
            }
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Reference, vdi.Reference, "snapshot").AsException();
        }

        return Text(id);
    }

    private async ValueTask DestroyAsync(Record sr, List<string> keys)
    {
        foreach (var key in Enumerable.Reverse(keys))
        {
            var changes = await storage.Attached(sr).DestroyVolumeAsync(key, CancellationToken.None);
            store.Commit(unit => records.Apply(unit, sr, changes));
        }
    }

    private string PlantOrphanBase(Record sr)
    {
        var (lab, configuration) = Files(sr);
        var key = lab.PlantOrphanBase(configuration, ids.NewUuid(), 2 << 20);
        var path = Path.Combine(lab.DirectoryOf(configuration), key + ".vhd");
        return Text(planted.Add("orphan base " + key + " in SR " + sr.Uuid, () =>
        {
            DirectPath.Delete(path);
            return ValueTask.CompletedTask;
        }));
    }

    private string PlantStaleParent(Record vdi)
    {
        var before = VdiService.Texts(vdi.Map("sm_config")).GetValueOrDefault("vhd-parent");
        SetParent(vdi.Reference, ids.NewUuidText());
        return Text(planted.Add("stale vhd-parent of VDI " + vdi.Uuid, () =>
        {
            SetParent(vdi.Reference, before);
            return ValueTask.CompletedTask;
        }));
    }

    private string PlantBadFooter(Record vdi)
    {
        var (lab, configuration) = Files(store.Current.Get("SR", vdi.Target("SR")));
        try
        {
            var undo = lab.PlantBadFooter(configuration, vdi.Text("location"));
            return Text(planted.Add("bad footer of VDI " + vdi.Uuid, () =>
            {
                undo();
                return ValueTask.CompletedTask;
            }));
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, vdi.Target("SR"), vdi.Reference, "attach").AsException();
        }
    }

    private string PlantFull(Record sr)
    {
        var (lab, configuration) = Files(sr);
        var rule = new FaultRule("file.write,file.set-length,file.link", "*", 1, FaultAction.Error, FaultError.All.Single(e => e.Name == "ENOSPC"), stays: true)
        {
            Path = lab.DirectoryOf(configuration) + "/*",
        };
        var id = points.Add(rule);
        return Text(planted.Add("no space in SR " + sr.Uuid, () =>
        {
            points.Remove(id);
            return ValueTask.CompletedTask;
        }));
    }

    private string List() => FaultFunctions.Json(writer =>
    {
        writer.WriteStartArray();
        foreach (var (id, what) in planted.All)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", id);
            writer.WriteString("what", what);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private async ValueTask<string> UndoAsync(PluginCall call, CancellationToken cancellationToken)
    {
        int? id = call.Arguments.ContainsKey("id") ? FaultFunctions.Number(call.Arguments, "id", 0) : null;
        try
        {
            return await planted.UndoAsync(id) ? "" : throw FaultFunctions.Invalid("id", call.Arguments["id"]);
        }
        catch (Exception e) when (e is not XenException && StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, "", "", "undo").AsException();
        }
    }

    private void SetParent(string vdi, string? parent) => store.Commit(unit =>
    {
        if (unit.Find(vdi) is not { } record)
            return;
        var config = record.Map("sm_config");
        unit.Set(vdi, "sm_config", parent is null ? config.Without("vhd-parent") : config.With("vhd-parent", parent));
    });

    private (IStorageLab Lab, SrConfiguration Configuration) Files(Record sr)
    {
        storage.Attached(sr);
        var pbd = sr.Set("PBDs").Select(store.Current.Find).OfType<Record>().First(p => p.Flag("currently_attached"));
        var identity = storage.Identity(sr, pbd);
        return identity.Plugin is IStorageLab lab ? (lab, identity.Configuration) : throw new XenException("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
    }

    private Record Sr(PluginCall call) => Find(store, call, "SR", "sr");

    private Record Vdi(PluginCall call) => Find(store, call, "VDI", "vdi");

    internal static Record Find(RecordStore store, PluginCall call, string @class, string argument)
    {
        if (call.Arguments.GetValueOrDefault(argument) is not { Length: > 0 } name)
            throw FaultFunctions.Invalid(argument, "");
        return store.Current.FindByUuid(store.Model.Class(@class), name)
            ?? (name.StartsWith(Ref.Prefix, StringComparison.Ordinal) ? store.Current.Get(@class, name) : throw Errors.UuidInvalid(@class, name));
    }

    private static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);
}
