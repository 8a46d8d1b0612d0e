namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The SR types of this plugin; a further one is a line here. There is no block device and no network behind them: devices
/// are names, and what is on servers lies in <see cref="RemotePlaces"/>.
/// </summary>
/// <param name="home">Directory (absolute) of SRs on devices, one per uuid.</param>
public sealed class TreeTypes(string home, RemotePlaces places)
{
    private static readonly string[] Common =
    [
        "SR_PROBE", "SR_UPDATE", "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_CLONE", "VDI_SNAPSHOT", "VDI_RESIZE", "VDI_MIRROR",
        "VDI_GENERATE_CONFIG", "VDI_CONFIG_CBT", "VDI_ACTIVATE", "VDI_DEACTIVATE",
    ];

    private static readonly string[] File = [.. Common, "THIN_PROVISIONING"];
    private static readonly string[] Ext = [.. File, "SR_SUPPORTS_LOCAL_CACHING", "VDI_UPDATE", "VDI_RESET_ON_BOOT/2", "VDI_READ_CACHING"];
    private static readonly string[] Share = [.. File, "SR_CACHING", "VDI_UPDATE", "VDI_RESET_ON_BOOT/2", "VDI_READ_CACHING"];
    private static readonly string[] Volume = [.. Common, "SR_TRIM", "VDI_UPDATE", "VDI_RESET_ON_BOOT/2"];
    private static readonly string[] Lun = [.. Volume, "SR_METADATA", "SR_CACHING"];

    public IReadOnlyList<TreeType> All =>
    [
        new(Describe("ext", "Local EXT3 VHD", "VHD trees in a local directory", Ext, ("device", "block device (required)")), Device),
        new(Describe("lvm", "Local LVM", "VHD trees on a local device", Volume, ("device", "block device (required)")), Device),
        new(Describe("file", "Local Path VHD", "VHD trees in a given directory", File, ("location", "directory (required)")), Location),
        OnShelf(
            Describe("nfs", "NFS VHD", "VHD trees in a directory of an NFS export", Share, ("server", "host (required)"), ("serverpath", "exported path (required)")),
            Export),
        OnShelf(Describe("smb", "SMB VHD", "VHD trees in a directory of an SMB share", Share, ("server", "share, as //host/share (required)")), SmbShare),
        OnShelf(
            Describe(
                "lvmoiscsi", "LVM over iSCSI", "VHD trees on an iSCSI target", Lun,
                ("target", "host (required)"), ("targetIQN", "name of the target (required)"), ("SCSIid", "LUN (required)")),
            IscsiLun),
    ];

    private static TreeType OnShelf(PluginDescription description, Func<IReadOnlyDictionary<string, string>, string> shelf) =>
        new(description, sr => Path.Combine(shelf(sr.DeviceConfig), sr.Uuid.ToString("D")), shelf);

    private static PluginDescription Describe(
        string type, string name, string text, string[] features, params (string Key, string Text)[] configuration) =>
        new(
            name,
            text,
            "1.0",
            [type],
            features.Select(f => f.Split('/')).ToDictionary(p => p[0], p => p.Length > 1 ? int.Parse(p[1]) : 1, StringComparer.Ordinal),
            configuration.ToDictionary(c => c.Key, c => c.Text, StringComparer.Ordinal))
        {
            SmConfigKeys = ["vhd-parent"],
        };

    private string Device(SrConfiguration sr)
    {
        DeviceConfig.Required(sr.DeviceConfig, "device", StorageFault.DeviceMissing);
        return Path.Combine(home, sr.Uuid.ToString("D"));
    }

    private static string Location(SrConfiguration sr) => DeviceConfig.Required(sr.DeviceConfig, "location", StorageFault.LocationMissing);

    private string Export(IReadOnlyDictionary<string, string> config)
    {
        var server = DeviceConfig.Required(config, "server", StorageFault.ServerMissing);
        if (config.GetValueOrDefault("serverpath") is { Length: > 0 } path)
            return places.NfsExport(server, path);
        throw new StorageException(StorageFault.ServerPathMissing, "device_config lacks serverpath")
        {
            Detail = Exports(server),
        };
    }

    private string SmbShare(IReadOnlyDictionary<string, string> config) =>
        places.SmbShare(DeviceConfig.Required(config, "server", StorageFault.ServerMissing));

    private string IscsiLun(IReadOnlyDictionary<string, string> config) => places.IscsiLun(
        DeviceConfig.Required(config, "target", StorageFault.TargetMissing),
        DeviceConfig.Required(config, "targetIQN", StorageFault.TargetIqnMissing),
        DeviceConfig.Required(config, "SCSIid", StorageFault.ScsiIdMissing));

    /// <summary>What an NFS server offers, in the form in which its driver tells clients that gave no path.</summary>
    private string Exports(string server) => "<?xml version=\"1.0\" ?><nfs-exports>"
        + string.Concat(places.NfsExports(server).Select(name => "<Export><Target>" + System.Security.SecurityElement.Escape(server) + "</Target><Path>/"
            + System.Security.SecurityElement.Escape(name) + "</Path><Accesslist>*</Accesslist></Export>"))
        + "</nfs-exports>";
}
