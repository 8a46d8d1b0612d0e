using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>What is written when something has failed already, which the caller has to hear of: a second failure must not take its place.</summary>
internal static class CleanUps
{
    /// <summary>
    /// Commits what became of a call. Where that fails as well the log is told, and its intents stay open, so that the next attach of the
    /// SR settles them.
    /// </summary>
    /// <param name="sr">The SR's uuid.</param>
    public static bool TryCommit(this RecordStore store, StorageHost storage, string sr, Action<UnitOfWork> write)
    {
        try
        {
            store.Commit(write);
            return true;
        }
        catch (Exception e)
        {
            storage.OnProblem?.Invoke(sr, "what became of a call that failed is written down when the SR is attached the next time: " + e.Message);
            return false;
        }
    }
}
