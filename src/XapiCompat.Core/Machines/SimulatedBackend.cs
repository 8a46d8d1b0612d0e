using System.Text;
using XapiCompat.Disks;

namespace XapiCompat.Core.Machines;

/// <summary>
/// Guests that exist in name only: every step takes its configured time, reports progress and can be cancelled between
/// any two reports. A simulated domain has nothing to lose, so that it goes on across restarts of the server.
/// </summary>
/// <param name="stopping">Cuts every step when the server ends.</param>
public sealed class SimulatedBackend(SimulatedDurations durations, TimeProvider clock, CancellationToken stopping) : IVmBackend
{
    private const int Reports = 10;

    private long _lastDomid;

    public string Name => "simulated";

    public ValueTask<IReadOnlyCollection<Guid>> AdoptAsync(IReadOnlyList<DomainHandle> known, CancellationToken cancellationToken)
    {
        foreach (var domain in known)
            _lastDomid = Math.Max(_lastDomid, domain.Domid);
        return new([.. known.Select(d => d.Uuid)]);
    }

    public async ValueTask<long> StartAsync(DomainSpec spec, bool paused, DomainWork work)
    {
        await PassAsync(durations.Start, work);
        return NewDomid();
    }

    public ValueTask PauseAsync(DomainHandle domain, DomainWork work) => PassAsync(durations.Pause, work);

    public ValueTask UnpauseAsync(DomainHandle domain, DomainWork work) => PassAsync(durations.Pause, work);

    public async ValueTask ShutdownAsync(DomainHandle domain, bool clean, DomainWork work)
    {
        if (clean && !domain.GuestTools.Offers("feature-shutdown") && !domain.GuestTools.Offers("feature-poweroff"))
            await GiveUpAsync(DomainFault.ShutdownNotAcknowledged, work);
        await PassAsync(durations.Shutdown, work);
    }

    public async ValueTask<long> RebootAsync(DomainSpec spec, DomainHandle domain, bool clean, DomainWork work)
    {
        if (clean && !domain.GuestTools.Offers("feature-shutdown") && !domain.GuestTools.Offers("feature-reboot"))
            await GiveUpAsync(DomainFault.ShutdownNotAcknowledged, work);
        await PassAsync(durations.Reboot, work);
        return NewDomid();
    }

    /// <summary>The image is a text that names the guest: enough to see that it is stored, copied and read back.</summary>
    public async ValueTask SuspendAsync(DomainHandle domain, IBlockDevice image, DomainWork work)
    {
        if (!domain.GuestTools.Offers("feature-suspend"))
            await GiveUpAsync(DomainFault.SuspendNotAcknowledged, work);
        await PassAsync(durations.Suspend, work);
        var text = new byte[512];
        Encoding.UTF8.GetBytes("simulated guest " + domain.Uuid.ToString("D") + " domain " + domain.Domid + "\n").CopyTo(text, 0);
        await image.WriteAsync(0, text, work.Cancellation);
        await image.FlushAsync(work.Cancellation);
    }

    public async ValueTask<long> ResumeAsync(DomainSpec spec, IBlockDevice image, bool paused, DomainWork work)
    {
        await image.ReadAsync(0, new byte[512], work.Cancellation);
        await PassAsync(durations.Resume, work);
        return NewDomid();
    }

    public async ValueTask<long> MigrateAsync(DomainHandle domain, Guid host, DomainWork work)
    {
        await PassAsync(durations.Migrate, work);
        return NewDomid();
    }

    public async ValueTask<GuestReport?> WaitForGuestAsync(DomainSpec spec, CancellationToken cancellationToken)
    {
        if (!spec.GuestTools.Reports)
            return null;
        if (durations.Tools > TimeSpan.Zero)
            await Task.Delay(durations.Tools, clock, cancellationToken);
        return SimulatedGuest.Report(spec);
    }

    public ValueTask<GuestReaction> SignalAsync(DomainHandle domain, GuestSignal signal, string value, CancellationToken cancellationToken) =>
        new(SimulatedGuest.React(signal, value));

    private long NewDomid() => Interlocked.Increment(ref _lastDomid);

    private async ValueTask GiveUpAsync(DomainFault fault, DomainWork work)
    {
        if (durations.Acknowledge > TimeSpan.Zero)
            await DelayAsync(durations.Acknowledge, work);
        throw new DomainException(fault);
    }

    private async ValueTask PassAsync(TimeSpan duration, DomainWork work)
    {
        work.Cancellation.ThrowIfCancellationRequested();
        if (duration <= TimeSpan.Zero)
            return;
        for (var i = 1; i <= Reports; i++)
        {
            await DelayAsync(duration / Reports, work);
            work.Progress((double)i / Reports);
        }
    }

    private async ValueTask DelayAsync(TimeSpan duration, DomainWork work)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(work.Cancellation, stopping);
        await Task.Delay(duration, clock, either.Token);
    }
}
