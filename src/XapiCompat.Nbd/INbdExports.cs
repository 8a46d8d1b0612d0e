namespace XapiCompat.Nbd;

/// <summary>The exports that clients of one connection find.</summary>
public interface INbdExports
{
    /// <summary>What NBD_OPT_LIST tells.</summary>
    IReadOnlyList<NbdListing> List();

    /// <summary>Opens an export for one connection; throws <see cref="NbdRefusal"/> when the client may not have it.</summary>
    ValueTask<NbdExport> OpenAsync(string name, CancellationToken cancellationToken);
}
