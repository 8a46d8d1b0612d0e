namespace XapiCompat.Storage.Tests.VhdTree;

/// <summary>Runs an SR's collector without a host around it.</summary>
internal static class Collecting
{
    /// <summary>Does all the work there is; returns what was done.</summary>
    public static async Task<IReadOnlyList<CollectorWorkKind>> RunAsync(ISr sr, CollectorPolicy? policy = null, int most = int.MaxValue)
    {
        var done = new List<CollectorWorkKind>();
        while (done.Count < most)
        {
            await using var work = await sr.Collector!.PlanAsync(policy ?? new(), default);
            if (work is null)
                return done;
            await RunAsync(work);
            done.Add(work.Kind);
        }

        return done;
    }

    public static async Task<CollectorResult?> FlattenAsync(ISr sr, string key)
    {
        await using var work = await sr.Collector!.PlanFlattenAsync(key, default);
        return work is null ? null : await RunAsync(work);
    }

    private static async Task<CollectorResult?> RunAsync(ICollectorWork work)
    {
        await work.CopyAsync((_, _) => ValueTask.CompletedTask, default);
        return await work.FinishAsync();
    }
}
