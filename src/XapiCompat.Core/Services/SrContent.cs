using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>What a plugin finds in an SR at one moment.</summary>
public sealed record SrContent(IReadOnlyList<VolumeInfo> Volumes, SrStat Stat)
{
    private const int Patience = 10;

    /// <summary>Looks at an SR and commits what follows from it; looks again when something else of the SR was written meanwhile.</summary>
    public static async ValueTask CommitAsync(
        RecordStore store, VolumeRecords records, Record sr, AttachedSr attached, Action<UnitOfWork, SrContent> write, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var generation = records.Generation(sr.Uuid);
            var content = new SrContent(await attached.ListAsync(cancellationToken), await attached.StatAsync(cancellationToken));
            var written = store.Commit(unit =>
            {
                if (records.Generation(sr.Uuid) != generation && attempt < Patience)
                    return false;
                write(unit, content);
                return true;
            });
            if (written)
                return;
        }
    }

    public static async ValueTask<SrContent> ReadAsync(AttachedSr sr, CancellationToken cancellationToken)
    {
        try
        {
            return new(await sr.ListAsync(cancellationToken), await sr.StatAsync(cancellationToken));
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, "", "", "scan").AsException();
        }
    }
}
