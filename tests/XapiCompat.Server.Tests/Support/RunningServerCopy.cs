namespace XapiCompat.Server.Tests.Support;

/// <summary>A server on a copy of another one's files.</summary>
public sealed class RunningServerCopy(RunningServer original) : IAsyncDisposable
{
    public RunningServer Server { get; } = new();

    public void Take()
    {
        foreach (var file in Directory.EnumerateFiles(original.StatePath, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "lock"))
        {
            var target = Path.Combine(Server.StatePath, Path.GetRelativePath(original.StatePath, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var into = File.Create(target);
            from.CopyTo(into);
        }
    }

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
