namespace XapiCompat.Storage.Dummy;

/// <summary>
/// Disks without data, for tests of clients: they have names, sizes and snapshots, take every write and read as zeroes. Only the
/// list of them is kept, in a small file per SR.
/// </summary>
/// <param name="directory">Where the lists are (absolute).</param>
public sealed class DummyPlugin(string directory) : IStoragePlugin
{
    private const long ProbedSize = 1024;

    public PluginDescription Query() => new(
        "dummy",
        "Disks without data",
        "1.0",
        ["dummy"],
        new[]
        {
            "SR_PROBE", "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_ACTIVATE", "VDI_DEACTIVATE", "VDI_CLONE", "VDI_SNAPSHOT", "VDI_RESIZE",
            "VDI_INTRODUCE", "VDI_MIRROR",
        }.ToDictionary(f => f, _ => 1),
        new Dictionary<string, string>())
    {
        SmConfigKeys = ["samplekey"],
    };

    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken) =>
        ValueTask.FromResult<ISr>(new DummySr(new DummyList(ListOf(configuration))));

    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        File.Delete(ListOf(configuration));
        return ValueTask.CompletedTask;
    }

    /// <summary>There is always one more to be found.</summary>
    public ValueTask<IReadOnlyList<FoundSr>> ProbeAsync(IReadOnlyDictionary<string, string> deviceConfig, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<FoundSr>>([new FoundSr(Guid.NewGuid(), ProbedSize)]);

    private string ListOf(SrConfiguration configuration) => Path.Combine(directory, configuration.Uuid.ToString("D") + ".dummy");
}
