using Microsoft.AspNetCore.Connections;
using XapiCompat.Server.Connections.Uploads;

namespace XapiCompat.Server.Connections;

internal static class ConnectionServices
{
    /// <summary>What stands below the connection layer: who receives, and in which memory. To be added after Kestrel's own: the last one counts.</summary>
    public static IServiceCollection AddXapiConnections(this IServiceCollection services) => services
        .AddSingleton<IMemoryPoolFactory<byte>, ConnectionMemory>()
        .AddSingleton<IConnectionListenerFactory, UploadListenerFactory>();
}
