namespace XapiCompat.Nbd;

/// <summary>The bitmaps of one export; a name is what follows <c>qemu:dirty-bitmap:</c>.</summary>
public interface INbdBitmaps
{
    /// <summary>The names that a client is told; others may be there too.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Reads one; null when there is none of that name.</summary>
    ValueTask<NbdBitmap?> LoadAsync(string name, CancellationToken cancellationToken);
}
