using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Checks;

/// <summary>Looks over a whole state: the database, the files of each SR, and one against the other. Needs no running server.</summary>
public sealed class StoreCheck(StoredState state, IEnumerable<IStoragePlugin> plugins, PlannedVolumes planned)
{
    private readonly Dictionary<string, IStoragePlugin> _plugins = plugins
        .SelectMany(p => p.Query().Types.Select(t => (Type: t, Plugin: p)))
        .ToDictionary(p => p.Type, p => p.Plugin, StringComparer.Ordinal);

    private readonly ILookup<string, Record> _byClass = state.Records.ToLookup(r => r.Class.Name, StringComparer.Ordinal);
    private readonly List<StorageFinding> _findings = [];

    /// <param name="repair">Only with the whole state for oneself.</param>
    public async ValueTask<StoreReport> RunAsync(bool repair, CancellationToken cancellationToken)
    {
        foreach (var problem in state.Problems)
            _findings.Add(new(FindingLevel.Error, "database", "xapi.db", problem));
        _findings.AddRange(RecordChecks.Run(state.Records));
        var disks = _byClass["VDI"].ToLookup(v => v.Target("SR"), StringComparer.Ordinal);
        var srs = 0;
        var volumes = 0;
        foreach (var sr in _byClass["SR"].OrderBy(r => r.Uuid, StringComparer.Ordinal))
        {
            if (await CheckSrAsync(sr, disks[sr.Reference], repair, cancellationToken) is not { } found)
                continue;
            srs++;
            volumes += found;
        }

        return new(srs, volumes, _findings);
    }

    /// <summary>The number of volumes; null when there are no files to look at.</summary>
    private async ValueTask<int?> CheckSrAsync(Record sr, IEnumerable<Record> disks, bool repair, CancellationToken cancellationToken)
    {
        if (sr.Flag("is_tools_sr") || _plugins.GetValueOrDefault(sr.Text("type")) is not IStorageCheck plugin)
            return null;
        var pbds = _byClass["PBD"].Where(p => p.Target("SR") == sr.Reference).ToList();
        if (pbds.Count == 0)
            return null;
        var unmade = planned.Unmade(Guid.Parse(sr.Uuid));
        var records = disks.Where(d => !unmade.Contains(d.Text("location"))).ToList();
        try
        {
            var found = await plugin.CheckAsync(new(Guid.Parse(sr.Uuid), VdiService.Texts(pbds[0].Map("device_config"))), repair, cancellationToken);
            _findings.AddRange(found.Findings);
            if (pbds.Exists(p => p.Flag("currently_attached")))
                Compare(sr, records, found.Volumes);
            return found.Volumes.Count;
        }
        catch (StorageException e)
        {
            // What has no disks may never have been made.
            if (records.Count > 0)
                _findings.Add(new(FindingLevel.Error, "sr", "SR " + sr.Uuid, e.Message));
            return null;
        }
    }

    private void Compare(Record sr, IReadOnlyList<Record> records, IReadOnlyList<CheckedVolume> volumes)
    {
        // An operation that was interrupted is settled by the next start, whatever it left.
        var pending = state.Intents.Any(i => i.Sr == sr.Uuid);
        var known = new HashSet<string>(StringComparer.Ordinal);
        var byKey = volumes.ToDictionary(v => v.Key, StringComparer.Ordinal);
        foreach (var vdi in records)
        {
            known.Add(vdi.Text("location"));
            if (byKey.TryGetValue(vdi.Text("location"), out var volume))
                Compare(vdi, volume, pending);
            else if (vdi.Text("type") != "cbt_metadata")
                Add("vdi-without-data", vdi, "there is no usable file of it", pending);
        }

        foreach (var volume in volumes.Where(v => !known.Contains(v.Key)))
            Add("data-without-vdi", "SR " + sr.Uuid + " " + volume.Key, (volume.Managed ? "a disk" : "a base copy") + " of which no VDI tells", pending);
    }

    private void Compare(Record vdi, CheckedVolume volume, bool pending)
    {
        if (vdi.Int("virtual_size") != volume.VirtualSize)
            Add("size-differs", vdi, "virtual_size is " + vdi.Int("virtual_size") + ", the file has " + volume.VirtualSize, pending);
        if (vdi.Flag("managed") != volume.Managed)
            Add("managed-differs", vdi, volume.Managed ? "the file is one of a VDI that clients may use" : "the file is a base copy", pending);
        var parent = VdiService.Texts(vdi.Map("sm_config")).GetValueOrDefault("vhd-parent");
        if (parent != volume.Parent)
            Add("parent-differs", vdi, "vhd-parent is " + (parent ?? "not there") + ", the file's parent is " + (volume.Parent ?? "none"), pending);
    }

    private void Add(string code, Record vdi, string text, bool pending) => Add(code, "VDI " + vdi.Uuid, text, pending);

    private void Add(string code, string subject, string text, bool pending) => _findings.Add(pending
        ? new(FindingLevel.Note, code, subject, text + "; an interrupted operation, which the next start settles")
        : new(FindingLevel.Error, code, subject, text));
}

/// <summary>What a check came to.</summary>
/// <param name="Srs">SRs whose files were looked at.</param>
/// <param name="Volumes">Disks and base copies in them.</param>
public sealed record StoreReport(int Srs, int Volumes, IReadOnlyList<StorageFinding> Findings)
{
    /// <summary>Nothing that somebody would have to care about.</summary>
    public bool IsClean => Findings.All(f => f.Level is FindingLevel.Note or FindingLevel.Repaired);
}
