using System.Collections.Concurrent;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>The plugins by SR type, and the SRs that are attached here.</summary>
public sealed class StorageHost(RecordStore store, IEnumerable<IStoragePlugin> plugins) : IAsyncDisposable
{
    private readonly Dictionary<string, IStoragePlugin> _plugins = plugins
        .SelectMany(p => p.Query().Types.Select(t => (Type: t, Plugin: p)))
        .ToDictionary(p => p.Type, p => p.Plugin, StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, AttachedSr> _attached = new(StringComparer.Ordinal);

    public IStoragePlugin? PluginOf(Record sr) => _plugins.GetValueOrDefault(sr.Text("type"));

    /// <summary>The attached SR behind a record, or SR_HAS_NO_PBDS.</summary>
    public AttachedSr Attached(Record sr) =>
        _attached.TryGetValue(sr.Uuid, out var attached) ? attached : throw new XenException("SR_HAS_NO_PBDS", sr.Reference);

    public AttachedSr? TryAttached(Record sr) => _attached.GetValueOrDefault(sr.Uuid);

    /// <summary>Attaches an SR, making it first when <paramref name="create"/>; nothing happens for types without plugin.</summary>
    public async ValueTask AttachAsync(Record sr, Record pbd, bool create, CancellationToken cancellationToken)
    {
        if (PluginOf(sr) is not { } plugin || _attached.ContainsKey(sr.Uuid))
            return;
        var config = pbd.Map("device_config");
        var configuration = new SrConfiguration(
            Guid.Parse(sr.Uuid),
            config.Names.Zip(config.Values).ToDictionary(p => p.First, p => p.Second.ToString()!, StringComparer.Ordinal));
        try
        {
            if (create)
                await plugin.CreateAsync(configuration, cancellationToken);
            _attached[sr.Uuid] = new AttachedSr(configuration.Uuid, await plugin.AttachAsync(configuration, cancellationToken));
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Reference, "", "attach").AsException();
        }
    }

    /// <summary>Attaches every SR whose PBD was plugged when the server stopped.</summary>
    public async ValueTask AttachAllAsync(Action<Record, XenFailure> onFailure, CancellationToken cancellationToken)
    {
        foreach (var pbd in store.Current.All(store.Model.Class("PBD")).Where(p => p.Flag("currently_attached")).ToList())
        {
            if (store.Current.Find(pbd.Target("SR")) is not { } sr)
                continue;
            try
            {
                await AttachAsync(sr, pbd, create: false, cancellationToken);
            }
            catch (XenException e)
            {
                // The rest of the pool is of use without this SR.
                store.Commit(unit => unit.Set(pbd.Reference, "currently_attached", false));
                onFailure(sr, e.Failure);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var attached in _attached.Values)
            await attached.DisposeAsync();
        _attached.Clear();
    }
}
