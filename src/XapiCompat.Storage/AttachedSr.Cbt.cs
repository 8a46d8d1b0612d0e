namespace XapiCompat.Storage;

/// <summary>Changed-block tracking.</summary>
public sealed partial class AttachedSr
{
    /// <summary>As <see cref="ISr.EnableCbtAsync"/>, under writers as well: these wait at the gate, so that none is under way unnoted.</summary>
    public async ValueTask<VolumeChanges> EnableCbtAsync(string key, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([key], cancellationToken);
        return await ChangeAsync(() => sr.EnableCbtAsync(key, cancellationToken), cancellationToken);
    }

    /// <summary>As <see cref="ISr.DisableCbtAsync"/>, under writers as well.</summary>
    public async ValueTask<VolumeChanges> DisableCbtAsync(string key, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([key], cancellationToken);
        return await ChangeAsync(() => sr.DisableCbtAsync(key, cancellationToken), cancellationToken);
    }

    /// <summary>As <see cref="ISr.DataDestroyAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath is open.</summary>
    public ValueTask<VolumeChanges> DataDestroyAsync(string key, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.DataDestroyAsync(key, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ISr.ListChangedBlocksAsync"/>
    public ValueTask<ChangedBlocks> ListChangedBlocksAsync(string fromKey, string toKey, CancellationToken cancellationToken) =>
        sr.ListChangedBlocksAsync(fromKey, toKey, cancellationToken);
}
