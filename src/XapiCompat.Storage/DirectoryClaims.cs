using System.Collections.Concurrent;

namespace XapiCompat.Storage;

/// <summary>Which directories are in use by attached SRs, of whatever plugin: two trees in one directory would destroy each other.</summary>
public sealed class DirectoryClaims
{
    private readonly ConcurrentDictionary<string, bool> _taken = new(StringComparer.Ordinal);

    public bool IsTaken(string directory) => _taken.ContainsKey(directory);

    /// <summary>Takes a directory until the result is disposed of; <see cref="StorageFault.SrInUse"/> when another SR has it.</summary>
    public IDisposable Take(string directory) => _taken.TryAdd(directory, true)
        ? new Claim(this, directory)
        : throw new StorageException(StorageFault.SrInUse, "another SR is attached there [opterr=" + directory + "]");

    private sealed class Claim(DirectoryClaims owner, string directory) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
                owner._taken.TryRemove(directory, out _);
        }
    }
}
