using FluentAssertions;
using Xunit;

namespace XapiCompat.Storage.Tests;

public sealed class DiskGateTests
{
    private readonly DiskGate _gate = new();

    [Fact]
    public async Task A_holder_waits_for_writers_and_keeps_new_ones_out()
    {
        await _gate.EnterAsync(default);
        await _gate.EnterAsync(default);
        var hold = _gate.HoldAsync(default).AsTask();
        var late = _gate.EnterAsync(default).AsTask();
        _gate.Leave();
        await Task.Delay(20);
        hold.IsCompleted.Should().BeFalse();

        _gate.Leave();
        await hold;
        late.IsCompleted.Should().BeFalse();
        _gate.Open();
        await late;
    }

    [Fact]
    public async Task Writers_that_waited_go_before_the_next_holder()
    {
        await _gate.HoldAsync(default);
        var second = _gate.HoldAsync(default).AsTask();
        var writer = _gate.EnterAsync(default).AsTask();
        _gate.Open();
        await writer;
        second.IsCompleted.Should().BeFalse();
        _gate.Leave();
        await second;
    }

    [Fact]
    public async Task A_cancelled_holder_lets_writers_in()
    {
        await _gate.EnterAsync(default);
        using var cancel = new CancellationTokenSource();
        var hold = _gate.HoldAsync(cancel.Token).AsTask();
        var writer = _gate.EnterAsync(default).AsTask();
        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => hold).Should().ThrowAsync<OperationCanceledException>();
        await writer;
        _gate.Leave();
        _gate.Leave();
        await _gate.HoldAsync(default);
    }

    [Fact]
    public async Task A_cancelled_writer_is_not_counted()
    {
        await _gate.HoldAsync(default);
        using var cancel = new CancellationTokenSource();
        var writer = _gate.EnterAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => writer).Should().ThrowAsync<OperationCanceledException>();
        _gate.Open();
        await _gate.HoldAsync(default);
    }

    [Fact]
    public async Task Under_load_with_cancellations_no_writer_is_ever_inside_a_hold()
    {
        var inside = 0;
        var holds = 0;
        var wrong = 0;
        using var stop = new CancellationTokenSource();

        async Task WriteAsync(int seed)
        {
            var random = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                using var patience = new CancellationTokenSource(random.Next(20) == 0 ? 0 : Timeout.Infinite);
                try
                {
                    await _gate.EnterAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    await Task.Yield();
                    continue;
                }

                Interlocked.Increment(ref inside);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                _gate.Leave();
            }
        }

        async Task HoldAsync()
        {
            for (var time = 0; time < 500; time++)
            {
                await _gate.HoldAsync(default);
                holds++;
                for (var look = 0; look < 3; look++)
                {
                    if (Volatile.Read(ref inside) != 0)
                        Interlocked.Increment(ref wrong);
                    await Task.Yield();
                }

                _gate.Open();
                await Task.Yield();
            }
        }

        var writers = Enumerable.Range(1, 6).Select(seed => Task.Run(() => WriteAsync(seed))).ToList();
        await Task.WhenAll(Task.Run(HoldAsync), Task.Run(HoldAsync)).WaitAsync(TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await Task.WhenAll(writers).WaitAsync(TimeSpan.FromSeconds(60));
        wrong.Should().Be(0);
        holds.Should().Be(1000);
    }
}
