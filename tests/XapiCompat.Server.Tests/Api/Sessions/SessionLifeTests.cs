using FluentAssertions;
using XapiCompat.Core.Dispatch;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Sessions;

/// <summary>How sessions end by themselves, and what a failed login costs; on a clock that the test moves.</summary>
public sealed class SessionLifeTests : IAsyncLifetime
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private RunningServer _server = null!;

    public async Task InitializeAsync() =>
        _server = await RunningServer.CreateAsync(options => options with { LoginPause = TimeSpan.FromSeconds(5), EventDelay = TimeSpan.Zero }, _clock);

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_session_that_nobody_uses_for_a_day_is_gone()
    {
        var used = await _server.LoginAsync();
        var unused = await _server.LoginAsync();
        for (var hours = 0; hours < 23; hours++)
        {
            _clock.Advance(TimeSpan.FromHours(1));
            await used.ListAsync("pool.get_all");
        }

        _clock.Advance(TimeSpan.FromMinutes(59));
        _server.Host.Records.Current.Find(unused.Session).Should().NotBeNull();
        _clock.Advance(TimeSpan.FromMinutes(2));
        (await unused.ErrorAsync("pool.get_all")).Should().Equal("SESSION_INVALID", unused.Session);
        _server.Host.Records.Current.Find(unused.Session).Should().BeNull();
        await used.ListAsync("pool.get_all");
    }

    [Fact]
    public async Task The_time_of_the_last_use_is_written_every_ten_minutes()
    {
        var client = await _server.LoginAsync();
        var first = await ActiveAsync(client);
        _clock.Advance(TimeSpan.FromMinutes(9));
        (await ActiveAsync(client)).Should().Be(first);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await client.ListAsync("pool.get_all");
        (await ActiveAsync(client)).Should().Be("20260501T12:11:00Z");
    }

    [Fact]
    public async Task A_session_that_expires_ends_the_calls_that_wait()
    {
        var client = await _server.LoginAsync();
        var token = (await client.CallAsync("event.from", Array.Empty<string>(), "", 0.0))["token"]!.GetValue<string>();
        await client.CallAsync("event.register", (object)new[] { "blob" });
        var calls = new[] { client.AnswerAsync("event.from", new[] { "blob" }, token, 1e6), client.AnswerAsync("event.next") };
        await Task.Delay(100);
        _clock.Advance(TimeSpan.FromHours(24) + TimeSpan.FromMinutes(1));
        foreach (var call in calls)
            (await call.WaitAsync(HangCap)).Error.Should().Equal("SESSION_INVALID", client.Session);
    }

    [Fact]
    public async Task Root_without_an_originator_has_400_sessions_and_the_oldest_go()
    {
        var sessions = new List<string>();
        for (var i = 0; i < 405; i++)
            sessions.Add(await LoginAsync("xapicompat", "a"));
        var alive = sessions.Where(s => _server.Host.Records.Current.Find(s) is not null).ToList();
        alive.Should().Equal(sessions.Skip(5));
    }

    [Fact]
    public async Task Failed_logins_cost_their_source_time_and_nobody_else()
    {
        var idle = _clock.Waiting;
        var guesses = Enumerable.Range(0, 20).Select(i => GuessAsync("wrong " + i, "10.0.0.1")).ToList();
        (await LoginAsync("xapicompat", "10.0.0.2").WaitAsync(HangCap)).Should().StartWith("OpaqueRef:");
        var late = LoginAsync("xapicompat", "10.0.0.1");
        await FailedAsync(8);
        guesses.Should().OnlyContain(g => !g.IsCompleted);
        late.IsCompleted.Should().BeFalse("its source has too many failures under way");
        for (var round = 1; round <= 2; round++)
        {
            _clock.Advance(TimeSpan.FromSeconds(5));
            await UntilAsync(() => guesses.Count(g => g.IsCompleted) >= 8 * round);
            await FailedAsync(round == 1 ? 8 : 4);
            guesses.Count(g => g.IsCompleted).Should().Be(8 * round);
        }

        await late.WaitAsync(HangCap);
        _clock.Advance(TimeSpan.FromSeconds(5));
        foreach (var guess in guesses)
            (await guess.WaitAsync(HangCap)).Should().Be("SESSION_AUTHENTICATION_FAILED");

        // The answer and the place of each failed login wait for a timer.
        Task FailedAsync(int count) => UntilAsync(() => _clock.Waiting == idle + (2 * count));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (!condition())
            await Task.Delay(5, cap.Token);
    }

    private static async Task<string> ActiveAsync(XenClient client) => await client.TextAsync("session.get_last_active", client.Session);

    private async Task<string> LoginAsync(string password, string address) => (await CallAsync(password, address)).Value!.ToString()!;

    private async Task<string> GuessAsync(string password, string address) => (await CallAsync(password, address)).Failure!.Code;

    private async Task<RpcResult> CallAsync(string password, string address) =>
        await _server.Host.Api.Dispatcher.InvokeAsync(new("session.login_with_password", ["root", password]), new CallOrigin(address));
}
