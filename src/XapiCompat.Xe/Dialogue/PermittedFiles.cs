namespace XapiCompat.Xe.Dialogue;

/// <summary>The files that a server may ask for: values of arguments, nothing else. Names are compared as text, against the working directory.</summary>
internal sealed class PermittedFiles
{
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private readonly string _workingDirectory;

    public PermittedFiles(IEnumerable<string> arguments, string workingDirectory)
    {
        _workingDirectory = workingDirectory;
        foreach (var argument in arguments)
        {
            var at = argument.IndexOf('=', StringComparison.Ordinal);
            if (at >= 0 && !string.IsNullOrWhiteSpace(argument[(at + 1)..]) && FullPath(argument[(at + 1)..]) is { } path)
                _paths.Add(path);
        }
    }

    /// <summary>The absolute path of a file that the server named.</summary>
    /// <exception cref="XeFailure">The command line does not have it.</exception>
    public string Check(string name) =>
        name.Length > 0 && FullPath(name) is { } path && _paths.Contains(path)
            ? path
            : throw new XeFailure($"File not permitted: Blocked upload/download of the file {name}: the server asked for it, the command line does not name it.\n");

    private string? FullPath(string name) => name.Contains('\0', StringComparison.Ordinal) ? null : Path.GetFullPath(name, _workingDirectory);
}
