namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>Blobs, caches and redo logs of the pool.</summary>
public static class PoolStorageCommands
{
    [XeCommand("pool-enable-binary-storage")]
    public static Task EnableBlobsAsync(XeCall call) => call.Api.CallAsync("pool.enable_binary_storage");

    [XeCommand("pool-disable-binary-storage")]
    public static Task DisableBlobsAsync(XeCall call) => call.Api.CallAsync("pool.disable_binary_storage");

    [XeCommand("pool-enable-local-storage-caching")]
    public static Task EnableCachingAsync(XeCall call) => call.ActOnPoolAsync("pool.enable_local_storage_caching");

    [XeCommand("pool-disable-local-storage-caching")]
    public static Task DisableCachingAsync(XeCall call) => call.ActOnPoolAsync("pool.disable_local_storage_caching");

    [XeCommand("pool-enable-redo-log")]
    public static async Task EnableRedoLogAsync(XeCall call) => await call.Api.CallAsync("pool.enable_redo_log", await call.RefAsync("SR", "sr-uuid"));

    [XeCommand("pool-disable-redo-log")]
    public static Task DisableRedoLogAsync(XeCall call) => call.Api.CallAsync("pool.disable_redo_log");
}
