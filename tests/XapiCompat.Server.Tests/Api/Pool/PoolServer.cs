using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Pool;

/// <summary>A pool of three hosts with a shared SR, reached at three addresses.</summary>
public sealed class PoolServer : IAsyncLifetime
{
    private readonly List<HttpClient> _members = [];

    public RunningServer Server { get; } = new() { Configure = o => o with { Seed = new(Hosts: 3, Srs: 1, Vdis: 2, Number: 7) } };

    /// <summary>Clients of the hosts that are not the master, in the order of the ready line; they follow no redirection.</summary>
    public IReadOnlyList<HttpClient> Members => _members;

    public async Task InitializeAsync()
    {
        await Server.StartAsync();
        _members.AddRange(Server.Host.Members.Select(m => ClientOf(m.Address)));
    }

    public HttpClient ClientOf(string address) => new(new HttpClientHandler { AllowAutoRedirect = false })
    {
        BaseAddress = new Uri("http://" + address + ":" + Server.Port),
        Timeout = TimeSpan.FromSeconds(100),
    };

    public async Task DisposeAsync()
    {
        _members.ForEach(m => m.Dispose());
        await Server.DisposeAsync();
    }
}
