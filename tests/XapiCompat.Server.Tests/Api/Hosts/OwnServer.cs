using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>A server of one test, for what other tests of the class would see.</summary>
internal sealed class OwnServer : IAsyncDisposable
{
    public required RunningServer Server { get; init; }

    public static async Task<OwnServer> CreateAsync() => new() { Server = await RunningServer.CreateAsync() };

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
