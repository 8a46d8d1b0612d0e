using XapiCompat.Storage;

namespace XapiCompat.Core.Services;

/// <summary>What it takes to find an SR's data: who serves it, its uuid, and the PBD's device_config.</summary>
/// <param name="Reference">For errors; the record need not exist yet.</param>
/// <param name="Plugin">Null for types that have no data here.</param>
public sealed record SrIdentity(string Reference, string Uuid, IStoragePlugin? Plugin, IReadOnlyDictionary<string, string> DeviceConfig)
{
    public SrConfiguration Configuration { get; } = new(Guid.Parse(Uuid), DeviceConfig);
}
