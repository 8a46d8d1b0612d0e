namespace XapiCompat.Xe.Transfers;

/// <summary>Files of the user, which may be pipes and devices too.</summary>
internal static class LocalFiles
{
    private const int Exists = 17;

    /// <summary>A pipe is waited for until it has a writer.</summary>
    public static FileStream OpenForReading(string path) =>
        new(path, new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.SequentialScan });

    /// <summary>Makes a file that only its owner reads.</summary>
    /// <exception cref="LocalFailure">There is one already, or it cannot be made.</exception>
    public static FileStream Create(string path, string name)
    {
        try
        {
            return new(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.Read,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LocalFailure($"{name}: {Words(error, path)}");
        }
    }

    public static string Words(Exception error, string path) => error switch
    {
        _ when Directory.Exists(path) => "Is a directory",
        UnauthorizedAccessException => "Permission denied",
        FileNotFoundException or DirectoryNotFoundException => "No such file or directory",
        IOException { HResult: Exists } => "File exists",
        _ => error.Message,
    };
}
