namespace XapiCompat.Core.Access;

/// <summary>
/// Makes guessing slow: a failed login is answered after a pause, and few logins of one source may fail at a time.
/// Nothing but a timer is held meanwhile, and other sources do not notice.
/// </summary>
/// <param name="pause">Zero switches all of this off.</param>
public sealed class LoginThrottle(TimeSpan pause, TimeProvider clock)
{
    private const int FailuresAtATime = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Source> _sources = new(StringComparer.Ordinal);

    /// <summary>Runs an attempt when its source has a place for it; null is a failure, given back after the pause.</summary>
    /// <param name="source">Where the caller connects from: what it says about itself does not count.</param>
    /// <param name="gone">The caller is not there any more; the place stays taken all the same.</param>
    public async ValueTask<T?> TryAsync<T>(string source, Func<ValueTask<T?>> attempt, CancellationToken gone)
        where T : class
    {
        if (pause <= TimeSpan.Zero)
            return await attempt();
        var place = Enter(source);
        try
        {
            await place.Free.WaitAsync(gone);
        }
        catch (OperationCanceledException)
        {
            Leave(source, place);
            return null;
        }

        T? result = null;
        try
        {
            result = await attempt();
        }
        finally
        {
            if (result is not null)
            {
                place.Free.Release();
                Leave(source, place);
            }
            else
            {
                _ = ReleaseLaterAsync(source, place);
            }
        }

        if (result is null)
            await Task.Delay(pause, clock, gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return result;
    }

    private async Task ReleaseLaterAsync(string source, Source place)
    {
        await Task.Delay(pause, clock);
        place.Free.Release();
        Leave(source, place);
    }

    private Source Enter(string name)
    {
        lock (_lock)
        {
            if (!_sources.TryGetValue(name, out var source))
                _sources[name] = source = new();
            source.Users++;
            return source;
        }
    }

    private void Leave(string name, Source source)
    {
        lock (_lock)
        {
            if (--source.Users > 0)
                return;
            _sources.Remove(name);
            source.Free.Dispose();
        }
    }

    private sealed class Source
    {
        public SemaphoreSlim Free { get; } = new(FailuresAtATime, FailuresAtATime);

        public int Users { get; set; }
    }
}
