namespace XapiCompat.Server;

/// <summary>
/// The directory behind a server, held by a kernel lock: a second server is refused, and a killed one leaves nothing
/// that would have to be cleaned up.
/// </summary>
internal sealed class StateDirectory : IDisposable
{
    private readonly FileStream? _lock;

    private StateDirectory(string path, FileStream? lockFile)
    {
        Path = path;
        _lock = lockFile;
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, "xapi.db");

    public string Certificate => System.IO.Path.Combine(Path, "server.pem");

    /// <summary>The hash of the superuser's password, once it was changed over the API.</summary>
    public string Password => System.IO.Path.Combine(Path, "root.password");

    public string PlannedVolumes => System.IO.Path.Combine(Path, "planned");

    public string Storage => System.IO.Path.Combine(Path, "sr");

    public static StateDirectory Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure("the state directory cannot be made: " + e.Message);
        }

        try
        {
            // FileShare.None takes an exclusive flock, which ends with the process however it ends.
            var file = new FileStream(System.IO.Path.Combine(full, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            Directory.CreateDirectory(System.IO.Path.Combine(full, "sr"));
            return new(full, file);
        }
        catch (IOException)
        {
            throw new StartFailure("the state directory is in use by another server: " + full);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartFailure("the state directory cannot be used: " + e.Message);
        }
    }

    /// <summary>For a look beside the server that has the directory.</summary>
    public static StateDirectory Beside(string path) => new(System.IO.Path.GetFullPath(path), null);

    public void Dispose() => _lock?.Dispose();
}
