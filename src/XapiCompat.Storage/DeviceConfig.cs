namespace XapiCompat.Storage;

/// <summary>Reads a PBD's device_config.</summary>
public static class DeviceConfig
{
    /// <summary>The value of a key that must be there, or its fault: <c>device_config lacks location</c>.</summary>
    public static string Required(IReadOnlyDictionary<string, string> config, string key, StorageFault fault) =>
        config.GetValueOrDefault(key) is { Length: > 0 } value
            ? value
            : throw new StorageException(fault, "device_config lacks " + key);
}
