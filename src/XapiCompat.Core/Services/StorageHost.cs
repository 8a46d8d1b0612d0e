using System.Collections.Concurrent;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>The plugins by SR type, and the SRs that are attached here.</summary>
public sealed class StorageHost(RecordStore store, IEnumerable<IStoragePlugin> plugins, PlannedVolumes planned) : IAsyncDisposable
{
    private readonly Dictionary<string, IStoragePlugin> _plugins = plugins
        .SelectMany(p => p.Query().Types.Select(t => (Type: t, Plugin: p)))
        .ToDictionary(p => p.Type, p => p.Plugin, StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, AttachedSr> _attached = new(StringComparer.Ordinal);

    /// <summary>Told, by the SR's uuid, of files that are no usable disks and were left alone.</summary>
    public Action<string, string>? OnProblem { get; set; }

    /// <summary>What each plugin says of itself, for the SM objects.</summary>
    public IEnumerable<PluginDescription> Descriptions => _plugins.Values.Distinct().Select(p => p.Query());

    /// <summary>The tools SR is one of the product's own and has no directory here.</summary>
    public IStoragePlugin? PluginOf(Record sr) => sr.Flag("is_tools_sr") ? null : PluginOf(sr.Text("type"));

    public IStoragePlugin? PluginOf(string type) => _plugins.GetValueOrDefault(type);

    /// <summary>The attached SR behind a record, or SR_HAS_NO_PBDS.</summary>
    public AttachedSr Attached(Record sr) =>
        _attached.TryGetValue(sr.Uuid, out var attached) ? attached : throw new XenException("SR_HAS_NO_PBDS", sr.Reference);

    public AttachedSr? TryAttached(Record sr) => TryAttached(sr.Uuid);

    public AttachedSr? TryAttached(string uuid) => _attached.GetValueOrDefault(uuid);

    /// <summary>Attaches an SR, making it first when <paramref name="create"/>; nothing happens for types without plugin.</summary>
    /// <returns>The SR, or null when there is no plugin.</returns>
    public async ValueTask<AttachedSr?> AttachAsync(SrIdentity sr, bool create, CancellationToken cancellationToken)
    {
        if (sr.Plugin is not { } plugin)
            return null;
        if (_attached.TryGetValue(sr.Uuid, out var known))
            return known;
        try
        {
            if (create)
                await plugin.CreateAsync(sr.Configuration, cancellationToken);
            var attached = await plugin.AttachAsync(sr.Configuration, cancellationToken);
            var made = new AttachedSr(sr.Configuration.Uuid, await planned.CompleteAsync(sr.Configuration.Uuid, attached, cancellationToken))
            {
                OnProblem = problem => OnProblem?.Invoke(sr.Uuid, problem),
            };
            made.ReportProblems();
            return _attached[sr.Uuid] = made;
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Reference, "", "attach").AsException();
        }
    }

    public SrIdentity Identity(Record sr, Record pbd) => new(sr.Reference, sr.Uuid, PluginOf(sr), VdiService.Texts(pbd.Map("device_config")));

    /// <summary>Lets go of an SR whose datapaths are closed; see <see cref="AttachedSr.TryClose"/>.</summary>
    public async ValueTask DetachAsync(string uuid)
    {
        if (_attached.TryRemove(uuid, out var attached))
            await attached.DisposeAsync();
    }

    /// <summary>
    /// Takes back what was made of an SR that did not come into being. Where there are disks, the place belonged to somebody else.
    /// </summary>
    public static async ValueTask RemoveEmptyAsync(SrIdentity sr)
    {
        if (sr.Plugin is not { } plugin)
            return;
        try
        {
            await using (var found = await plugin.AttachAsync(sr.Configuration, CancellationToken.None))
            {
                if ((await found.ListAsync(CancellationToken.None)).Count > 0)
                    return;
            }

            await plugin.DestroyAsync(sr.Configuration, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
        }
    }

    /// <summary>Attaches every SR whose PBD was plugged when the server stopped. One without disks may have to be made yet.</summary>
    public async ValueTask AttachAllAsync(Action<Record, XenFailure> onFailure, CancellationToken cancellationToken)
    {
        foreach (var pbd in store.Current.All(store.Model.Class("PBD")).Where(p => p.Flag("currently_attached")).ToList())
        {
            if (store.Current.Find(pbd.Target("SR")) is not { } sr)
                continue;
            try
            {
                await MakeMissingAsync(sr, pbd, cancellationToken);
                await AttachAsync(Identity(sr, pbd), create: false, cancellationToken);
            }
            catch (XenException e)
            {
                // The rest of the pool is of use without this SR.
                store.Commit(unit => unit.Set(pbd.Reference, "currently_attached", false));
                onFailure(sr, e.Failure);
            }
        }
    }

    /// <summary>The first inventory names SRs that have no directory yet, and so does a first start that was interrupted.</summary>
    private async ValueTask MakeMissingAsync(Record sr, Record pbd, CancellationToken cancellationToken)
    {
        if ((sr.Set("VDIs").Any() && !planned.IsUntouched(Guid.Parse(sr.Uuid))) || Identity(sr, pbd) is not { Plugin: { } plugin } identity)
            return;
        try
        {
            await plugin.CreateAsync(identity.Configuration, cancellationToken);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            // It is there already, or attaching will say what is wrong with it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var attached in _attached.Values)
            await attached.DisposeAsync();
        _attached.Clear();
    }
}
