using System.Text.Json.Nodes;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Create records with every member that the real server wants.</summary>
public static class Records
{
    public const string Null = "OpaqueRef:NULL";
    public const string Never = "19700101T00:00:00Z";
    public const long MiB = 1 << 20;

    public static JsonObject Vm(string name, params (string Name, object? Value)[] other) => With(
        JsonArguments.Map(
            ("name_label", name), ("name_description", ""), ("user_version", 1), ("is_a_template", false), ("affinity", Null),
            ("memory_static_max", 1024 * MiB), ("memory_dynamic_max", 1024 * MiB), ("memory_dynamic_min", 1024 * MiB), ("memory_static_min", 512 * MiB),
            ("VCPUs_params", JsonArguments.Map()), ("VCPUs_max", 2), ("VCPUs_at_startup", 1), ("actions_after_shutdown", "destroy"),
            ("actions_after_reboot", "restart"), ("actions_after_crash", "restart"), ("PV_bootloader", ""), ("PV_kernel", ""), ("PV_ramdisk", ""),
            ("PV_args", ""), ("PV_bootloader_args", ""), ("PV_legacy_args", ""), ("HVM_boot_policy", "BIOS order"),
            ("HVM_boot_params", JsonArguments.Map(("order", "cd"))), ("platform", JsonArguments.Map(("nx", "true"))), ("PCI_bus", ""),
            ("other_config", JsonArguments.Map()), ("recommendations", "")),
        other);

    public static JsonObject Vdi(string sr, long size, string name = "disk", params (string Name, object? Value)[] other) => With(
        JsonArguments.Map(
            ("name_label", name), ("name_description", ""), ("SR", sr), ("virtual_size", size), ("type", "user"), ("sharable", false),
            ("read_only", false), ("other_config", JsonArguments.Map())),
        other);

    public static JsonObject Vbd(string vm, string vdi, string device = "autodetect", params (string Name, object? Value)[] other) => With(
        JsonArguments.Map(
            ("VM", vm), ("VDI", vdi), ("userdevice", device), ("bootable", false), ("mode", "RW"), ("type", "Disk"), ("empty", false),
            ("other_config", JsonArguments.Map()), ("qos_algorithm_type", ""), ("qos_algorithm_params", JsonArguments.Map())),
        other);

    public static JsonObject Vif(string vm, string network, string device, string mac = "", params (string Name, object? Value)[] other) => With(
        JsonArguments.Map(
            ("VM", vm), ("network", network), ("device", device), ("MAC", mac), ("MTU", 1500), ("other_config", JsonArguments.Map()),
            ("qos_algorithm_type", ""), ("qos_algorithm_params", JsonArguments.Map())),
        other);

    private static JsonObject With(JsonObject record, (string Name, object? Value)[] other)
    {
        foreach (var (name, value) in other)
            record[name] = JsonArguments.Of(value);
        return record;
    }
}
