namespace XapiCompat.Storage.Dummy;

/// <summary>All there is of a disk without data.</summary>
internal sealed record DummyVolume(
    Guid Uuid, string Name, string Description, bool ReadWrite, bool Sharable, long Size, Guid DataId, IReadOnlyDictionary<string, string> Keys)
{
    private static readonly Dictionary<string, string> SmConfig = new() { ["samplekey"] = "a disk without data" };

    public string Key => Uuid.ToString("D");

    public VolumeInfo Info => new(Key, Uuid, Name, Description, ReadWrite, Sharable, Size, Size, Managed: true, DataId, SmConfig, Keys);
}
