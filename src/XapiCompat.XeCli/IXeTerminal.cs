namespace XapiCompat.XeCli;

/// <summary>The other end of the dialogue. Each method throws <see cref="IOException"/> when the client has gone.</summary>
public interface IXeTerminal
{
    /// <summary>A line on standard output; the client adds the line end. It may stay here until <see cref="FlushAsync"/>.</summary>
    Task PrintAsync(string text);

    /// <summary>Text on standard error as it is, without a line end added.</summary>
    Task PrintErrorAsync(string text);

    /// <summary>An error that the client puts into words of its own.</summary>
    Task FailAsync(string code, IReadOnlyList<string> parameters);

    /// <summary>Sends what was printed so far.</summary>
    Task FlushAsync();

    /// <summary>One line that the user types.</summary>
    Task<string> PromptAsync();

    /// <summary>
    /// A file of the user, whole; null when the client cannot read it. <paramref name="path"/> must be the value of a
    /// parameter exactly as typed. More than 32 MiB is refused with <see cref="XeException"/>.
    /// </summary>
    Task<byte[]?> LoadAsync(string path);

    /// <summary>
    /// The client downloads <paramref name="url"/> (path and query) into its file <paramref name="path"/>; an empty path
    /// is its standard output. True when the client says that it worked. May last hours; text may be printed meanwhile.
    /// </summary>
    Task<bool> HttpGetAsync(string path, string url);

    /// <summary>The client uploads its file; otherwise as <see cref="HttpGetAsync"/>.</summary>
    Task<bool> HttpPutAsync(string path, string url);
}
