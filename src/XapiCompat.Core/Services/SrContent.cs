using XapiCompat.Storage;

namespace XapiCompat.Core.Services;

/// <summary>What a plugin finds in an SR at one moment.</summary>
public sealed record SrContent(IReadOnlyList<VolumeInfo> Volumes, SrStat Stat)
{
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
