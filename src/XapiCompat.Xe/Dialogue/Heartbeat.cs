using XapiCompat.Wire.XeCli;

namespace XapiCompat.Xe.Dialogue;

/// <summary>Tells the server from time to time that a transfer goes on, until it is disposed.</summary>
internal sealed class Heartbeat : IDisposable
{
    private readonly Timer? _timer;

    public Heartbeat(ControlChannel channel, TimeSpan interval)
    {
        if (interval != Timeout.InfiniteTimeSpan)
            _timer = new Timer(_ => channel.Send(new XeMessage.Wait()), null, interval, interval);
    }

    public void Dispose() => _timer?.Dispose();
}
