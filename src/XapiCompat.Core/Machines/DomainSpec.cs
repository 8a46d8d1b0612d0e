using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Everything that a back end needs to build a domain; taken from the records at one instant.</summary>
/// <param name="Uuid">Uuid of the VM.</param>
/// <param name="Host">Uuid of the host that the domain is for.</param>
/// <param name="DomainType"><c>hvm</c>, <c>pv</c>, <c>pvh</c> or <c>pv_in_pvh</c>.</param>
/// <param name="Memory">Bytes that the guest starts with.</param>
/// <param name="Vcpus">Virtual processors online at start.</param>
/// <param name="BootOrder">Order of boot devices, as in HVM_boot_params.</param>
/// <param name="Platform">VM.platform.</param>
/// <param name="GuestTools">What the guest's tools offer, see <see cref="GuestToolsSetting"/>.</param>
public sealed record DomainSpec(
    Guid Uuid,
    Guid Host,
    string Name,
    string DomainType,
    long Memory,
    long Vcpus,
    string BootOrder,
    XenStruct Platform,
    GuestToolsSetting GuestTools,
    IReadOnlyList<DomainDisk> Disks,
    IReadOnlyList<DomainInterface> Interfaces);

/// <param name="Device">Name in the guest, e.g. <c>xvda</c>.</param>
/// <param name="Sr">Uuid of the SR; empty for an empty drive.</param>
/// <param name="Volume">Key of the volume in its SR; null for an empty drive.</param>
public sealed record DomainDisk(string Device, Guid Sr, string? Volume, bool ReadOnly, bool Removable);

/// <param name="Bridge">Bridge of the network on the host.</param>
public sealed record DomainInterface(int Device, string Mac, string Bridge, long Mtu);

/// <summary>A domain that exists.</summary>
/// <param name="Uuid">Uuid of the VM.</param>
/// <param name="Host">Uuid of its host.</param>
/// <param name="Domid">Number on that host.</param>
/// <param name="GuestTools">As in the spec that it was built from.</param>
public sealed record DomainHandle(Guid Uuid, Guid Host, long Domid, GuestToolsSetting GuestTools);

/// <summary>How a step reports and how it is told to stop.</summary>
/// <param name="Progress">From 0 to 1.</param>
public sealed record DomainWork(Action<double> Progress, CancellationToken Cancellation);

/// <summary>What a guest's tools say about it.</summary>
/// <param name="DriversDetected">Paravirtual drivers run in the guest.</param>
/// <param name="Networks">Addresses by <c>device/ip</c>, <c>device/ipv4/n</c>.</param>
/// <param name="Features">Keys like <c>feature-shutdown</c>.</param>
public sealed record GuestReport(
    bool DriversDetected,
    IReadOnlyDictionary<string, string> DriverVersion,
    IReadOnlyDictionary<string, string> OsVersion,
    IReadOnlyDictionary<string, string> Networks,
    IReadOnlyDictionary<string, string> Memory,
    IReadOnlyDictionary<string, string> Features);

public enum GuestSignal
{
    SysRq,
    Trigger,
}

/// <summary>What a guest does by itself.</summary>
public enum GuestReaction
{
    None,
    ShutDown,
    Reboot,
    Crash,
}

/// <summary>Why a guest or its hypervisor did not do what was asked.</summary>
public enum DomainFault
{
    /// <summary>The guest did not answer a request to shut down or reboot.</summary>
    ShutdownNotAcknowledged,

    /// <summary>The guest did not answer a request to suspend.</summary>
    SuspendNotAcknowledged,
}

public sealed class DomainException(DomainFault fault) : Exception(fault.ToString())
{
    public DomainFault Fault { get; } = fault;
}
