using XapiCompat.XeCli.Commands.Access;
using XapiCompat.XeCli.Commands.Clusters;
using XapiCompat.XeCli.Commands.Devices;
using XapiCompat.XeCli.Commands.Diagnostics;
using XapiCompat.XeCli.Commands.Groups;
using XapiCompat.XeCli.Commands.Host;
using XapiCompat.XeCli.Commands.Messages;
using XapiCompat.XeCli.Commands.Network;
using XapiCompat.XeCli.Commands.Pool;
using XapiCompat.XeCli.Commands.Snapshots;
using XapiCompat.XeCli.Commands.Sr;
using XapiCompat.XeCli.Commands.Updates;
using XapiCompat.XeCli.Commands.Vbd;
using XapiCompat.XeCli.Commands.Vdi;
using XapiCompat.XeCli.Commands.Vif;
using XapiCompat.XeCli.Commands.Vm;
using XapiCompat.XeCli.Commands.Vmss;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Commands;

/// <summary>All classes of fixed commands; each has one line here.</summary>
public static class CommandClasses
{
    public static XeCommandTable Bind(XeTables tables) => new XeCommandTable(tables)
        .Bind(typeof(ApplianceCommands))
        .Bind(typeof(BlobCommands))
        .Bind(typeof(BondCommands))
        .Bind(typeof(CallerCommands))
        .Bind(typeof(ClusterCommands))
        .Bind(typeof(ClusterHostCommands))
        .Bind(typeof(DiagnosticCommands))
        .Bind(typeof(DisasterRecoveryCommands))
        .Bind(new DiskTransferCommands())
        .Bind(new EventCommands())
        .Bind(typeof(GpuCommands))
        .Bind(typeof(HostAuthenticationCommands))
        .Bind(typeof(HostCertificateCommands))
        .Bind(typeof(HostDataSourceCommands))
        .Bind(typeof(HostDriverCommands))
        .Bind(typeof(HostEmergencyCommands))
        .Bind(typeof(HostEvacuationCommands))
        .Bind(typeof(HostInfoCommands))
        .Bind(typeof(HostLicenceCommands))
        .Bind(typeof(HostMemoryCommands))
        .Bind(typeof(HostNetworkCommands))
        .Bind(typeof(HostPluginCommands))
        .Bind(typeof(HostPowerCommands))
        .Bind(typeof(HostRemovalCommands))
        .Bind(typeof(HostSettingCommands))
        .Bind(typeof(LicenceStatusCommands))
        .Bind(typeof(MessageCommands))
        .Bind(typeof(NetworkCommands))
        .Bind(typeof(ObserverCommands))
        .Bind(typeof(PatchCommands))
        .Bind(typeof(PbdCommands))
        .Bind(typeof(PciCommands))
        .Bind(typeof(PifAddressCommands))
        .Bind(typeof(PifCommands))
        .Bind(typeof(PoolBalancingCommands))
        .Bind(typeof(PoolCertificateCommands))
        .Bind(typeof(PoolCommands))
        .Bind(typeof(PoolHaCommands))
        .Bind(typeof(PoolMemberCommands))
        .Bind(typeof(PoolSecurityCommands))
        .Bind(typeof(PoolStorageCommands))
        .Bind(typeof(PvsCommands))
        .Bind(typeof(RateLimitCommands))
        .Bind(typeof(RepositoryCommands))
        .Bind(typeof(SdnControllerCommands))
        .Bind(typeof(SecretCommands))
        .Bind(typeof(SessionCommands))
        .Bind(typeof(SnapshotCommands))
        .Bind(typeof(SrCommands))
        .Bind(typeof(SrDataSourceCommands))
        .Bind(typeof(SrProbeCommands))
        .Bind(typeof(SubjectCommands))
        .Bind(typeof(TaskCommands))
        .Bind(typeof(ThinProvisioningCommands))
        .Bind(typeof(TunnelCommands))
        .Bind(typeof(UninstallCommands))
        .Bind(typeof(UpdateCommands))
        .Bind(typeof(UpdateSettingCommands))
        .Bind(typeof(UsbCommands))
        .Bind(typeof(VbdCommands))
        .Bind(typeof(VbdPlugCommands))
        .Bind(typeof(VdiChangeCommands))
        .Bind(typeof(VdiCommands))
        .Bind(typeof(VdiCopyCommands))
        .Bind(typeof(VdiStatusCommands))
        .Bind(typeof(VifCommands))
        .Bind(typeof(VlanCommands))
        .Bind(typeof(VmBalancingCommands))
        .Bind(typeof(VmCdCommands))
        .Bind(typeof(VmCommands))
        .Bind(typeof(VmCopyCommands))
        .Bind(typeof(VmDataSourceCommands))
        .Bind(typeof(VmDeviceCommands))
        .Bind(typeof(VmDiagnosticCommands))
        .Bind(typeof(VmDiskCommands))
        .Bind(typeof(VmFirmwareCommands))
        .Bind(typeof(VmGroupCommands))
        .Bind(typeof(VmGuestCommands))
        .Bind(typeof(VmInstallCommands))
        .Bind(typeof(VmMemoryCommands))
        .Bind(typeof(VmMigrateCommands))
        .Bind(typeof(VmPartCommands))
        .Bind(typeof(VmPowerCommands))
        .Bind(typeof(VmRecoveryCommands))
        .Bind(typeof(VmTransferCommands))
        .Bind(typeof(VmssCommands))
        .Verify();
}
