using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Diagnostics;

/// <summary>What a licence allows, in one line: a short tag for each feature, or blanks in its place.</summary>
internal static class LicenceFeatures
{
    /// <summary>The key that allows when it is true; all others restrict when they are true.</summary>
    private const string Allowing = "enable_xha";

    private static readonly (string Key, string Tag)[] Features =
    [
        ("restrict_vlan", "VLAN"), ("restrict_qos", "QoS"), ("restrict_pool_attached_storage", "SStorage"), ("restrict_netapp", "NTAP"),
        ("restrict_equalogic", "EQL"), ("restrict_pooling", "Pool"), ("enable_xha", "XHA"), ("restrict_marathon", "MTC"),
        ("restrict_email_alerting", "email"), ("restrict_historical_performance", "perf"), ("restrict_wlb", "WLB"),
        ("restrict_rbac", "RBAC"), ("restrict_dmc", "DMC"), ("restrict_checkpoint", "chpt"), ("restrict_cpu_masking", "Mask"),
        ("restrict_connection", "Cnx"), ("platform_filter", "Plat"), ("regular_nag_dialog", "nonag"), ("restrict_vmpr", "VMPR"),
        ("restrict_vmss", "VMSS"), ("restrict_intellicache", "IntelliCache"), ("restrict_gpu", "GPU"), ("restrict_dr", "DR"),
        ("restrict_vif_locking", "VIFLock"), ("restrict_storage_xen_motion", "SXM"), ("restrict_vgpu", "vGPU"),
        ("restrict_integrated_gpu_passthrough", "iGPU"), ("restrict_vss", "VSS"), ("restrict_guest_agent_auto_update", "GAAU"),
        ("restrict_pci_device_for_auto_update", "PciAU"), ("restrict_xen_motion", "Live_migration"),
        ("restrict_guest_ip_setting", "GuestIP"), ("restrict_ad", "AD"), ("restrict_nested_virt", "Nested_virt"),
        ("restrict_live_patching", "Live_patching"), ("restrict_set_vcpus_number_live", "Live_set_vcpus"),
        ("restrict_pvs_proxy", "PVS_proxy"), ("restrict_igmp_snooping", "IGMP_snooping"), ("restrict_rpu", "RPU"),
        ("restrict_pool_size", "Pool_size"), ("restrict_cbt", "CBT"), ("restrict_usb_passthrough", "USB_passthrough"),
        ("restrict_network_sriov", "Network_sriov"), ("restrict_corosync", "Corosync"), ("restrict_cluster_address", "Cluster_address"),
        ("restrict_zstd_export", "Zstd_export"), ("restrict_pool_secret_rotation", "Pool_secret_rotation"),
        ("restrict_certificate_verification", "Certificate_verification"), ("restrict_updates", "Upd"),
        ("restrict_internal_repo_access", "Internal_repo_access"), ("restrict_vtpm", "VTPM"), ("restrict_vm_groups", "VM_groups"),
        ("restrict_vm_start", "Start"), ("restrict_vm_appliance_start", "Start"),
    ];

    /// <summary>Features that older licences do not name and yet allow.</summary>
    private static readonly string[] AllowedWhenUnknown =
        ["restrict_xen_motion", "restrict_ad", "restrict_updates", "restrict_vm_start", "restrict_vm_appliance_start"];

    public static string Line(XenStruct licence) =>
        string.Join(" ", Features.Select(f => Allows(licence, f.Key) ? f.Tag : new string(' ', f.Tag.Length)));

    private static bool Allows(XenStruct licence, string key) => licence[key]?.ToString() switch
    {
        "true" => key == Allowing,
        "false" => key != Allowing,
        _ => AllowedWhenUnknown.Contains(key),
    };
}
