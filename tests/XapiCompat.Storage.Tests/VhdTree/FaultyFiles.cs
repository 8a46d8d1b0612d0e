using XapiCompat.Disks;

namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>A way in which the file system fails.</summary>
public sealed record FileTrouble(string Name, int Error, bool Half, params FileCall[] Calls)
{
    private static readonly FileCall[] Growing = [FileCall.Open, FileCall.Write, FileCall.SetLength, FileCall.Link, FileCall.Move];

    public static FileTrouble[] All { get; } =
    [
        new("EIO", 5, false, Enum.GetValues<FileCall>()),
        new("ENOSPC", 28, false, Growing),
        new("EDQUOT", 122, false, Growing),
        new("short write", 28, true, FileCall.Write),
        new("failed fsync", 5, false, FileCall.Flush, FileCall.FlushDirectory),
    ];

    public bool IsNoSpace => Error is 28 or 122;

    public override string ToString() => Name;
}

/// <summary>A file system whose n-th call fails, or all from the n-th on.</summary>
public sealed class FaultyFiles : FileLayer
{
    private readonly Lock _lock = new();
    private FileTrouble? _trouble;
    private int _left;
    private bool _stays;

    /// <summary>What failed last; null when nothing has since <see cref="Arm"/>.</summary>
    public string? Failed { get; private set; }

    public void Arm(FileTrouble trouble, int number, bool stays = false)
    {
        lock (_lock)
            (_trouble, _left, _stays, Failed) = (trouble, number, stays, null);
    }

    public void Disarm()
    {
        lock (_lock)
            _trouble = null;
    }

    public override FileFault? Next(FileCall call, string path)
    {
        lock (_lock)
        {
            if (_trouble is not { } trouble || !trouble.Calls.Contains(call) || --_left > 0)
                return null;
            if (!_stays)
                _trouble = null;
            Failed ??= call + " " + Path.GetFileName(path);
            return new FileFault(new IOException(trouble.Name + ": " + path, trouble.Error), trouble.Half);
        }
    }
}
