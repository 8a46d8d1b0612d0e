using XapiCompat.Disks;

namespace XapiCompat.Core.Machines;

/// <summary>
/// What runs guests. Records are this server's and change only when a call here has returned; domains are the back
/// end's. Each call either does the whole step or throws and leaves the domain as it was: <see cref="DomainException"/>
/// for what guests and hypervisors refuse, <see cref="OperationCanceledException"/> when the work's token asked for it.
/// </summary>
public interface IVmBackend
{
    string Name { get; }

    /// <summary>
    /// At the start of the server: which of the domains that the records show still exist. The others' VMs become
    /// Halted. A back end whose domains cannot outlive anything answers all of them.
    /// </summary>
    ValueTask<IReadOnlyCollection<Guid>> AdoptAsync(IReadOnlyList<DomainHandle> known, CancellationToken cancellationToken);

    /// <summary>Builds and starts a domain.</summary>
    /// <returns>Its number on the host, above zero.</returns>
    ValueTask<long> StartAsync(DomainSpec spec, bool paused, DomainWork work);

    ValueTask PauseAsync(DomainHandle domain, DomainWork work);

    ValueTask UnpauseAsync(DomainHandle domain, DomainWork work);

    /// <summary>Ends a domain: <paramref name="clean"/> asks the guest and waits for it.</summary>
    ValueTask ShutdownAsync(DomainHandle domain, bool clean, DomainWork work);

    /// <summary>Replaces a domain by a new one of the same VM, running.</summary>
    /// <returns>The number of the new domain.</returns>
    ValueTask<long> RebootAsync(DomainSpec spec, DomainHandle domain, bool clean, DomainWork work);

    /// <summary>Saves the guest's state into <paramref name="image"/>, which the caller owns, and ends the domain.</summary>
    ValueTask SuspendAsync(DomainHandle domain, IBlockDevice image, DomainWork work);

    /// <summary>Builds a domain from a saved state; the caller owns <paramref name="image"/>.</summary>
    ValueTask<long> ResumeAsync(DomainSpec spec, IBlockDevice image, bool paused, DomainWork work);

    /// <summary>Moves a running domain to another host.</summary>
    /// <returns>Its number there.</returns>
    ValueTask<long> MigrateAsync(DomainHandle domain, Guid host, DomainWork work);

    /// <summary>
    /// Waits until the guest's tools report; null when the guest has none. May complete at once.
    /// </summary>
    ValueTask<GuestReport?> WaitForGuestAsync(DomainSpec spec, CancellationToken cancellationToken);

    /// <summary>Sends a key or trigger; what the guest does in answer.</summary>
    ValueTask<GuestReaction> SignalAsync(DomainHandle domain, GuestSignal signal, string value, CancellationToken cancellationToken);
}
