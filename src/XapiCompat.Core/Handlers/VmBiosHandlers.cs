using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What a guest reads as its hardware's texts: set once, by hand or from a host.</summary>
public sealed class VmBiosHandlers(RecordStore store)
{
    private const int Longest = 512;

    /// <summary>What a VM has that was given nothing, and which of it a client may say.</summary>
    private static readonly (string Key, string Value, bool Settable)[] Known =
    [
        ("bios-vendor", "Xen", true), ("bios-version", "", true), ("system-manufacturer", "Xen", true), ("system-product-name", "HVM domU", true),
        ("system-version", "", true), ("system-serial-number", "", true), ("baseboard-manufacturer", "", true), ("baseboard-product-name", "", true),
        ("baseboard-version", "", true), ("baseboard-serial-number", "", true), ("baseboard-asset-tag", "", true),
        ("baseboard-location-in-chassis", "", true), ("enclosure-asset-tag", "", true), ("hp-rombios", "", false),
        ("oem-1", "Xen", false), ("oem-2", "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d", false),
    ];

    [XenMessage("VM.set_bios_strings")]
    public void SetBiosStrings(CallContext context, Ref self, XenStruct value)
    {
        RequireUnset(store.Current.Get("VM", self));
        foreach (var (key, text) in value.Names.Zip(value.Values, (k, v) => (k, v.ToString()!)))
        {
            if (!Known.Any(k => k.Settable && k.Key == key))
                throw new XenException("INVALID_VALUE", key, "no text that can be set");
            if (text.Length == 0)
                throw new XenException("INVALID_VALUE", key, "a text has at least one character");
            if (text.Length > Longest)
                throw new XenException("INVALID_VALUE", key, text + " is longer than " + Longest);
            if (text.Any(c => c is < ' ' or > '~'))
                throw new XenException("INVALID_VALUE", key, text + " is not all printable ASCII");
        }

        Set(self, new XenStruct([.. Known.Select(k => k.Key)], [.. Known.Select(k => value[k.Key] ?? k.Value)]), null);
    }

    /// <summary>The VM looks like that host's hardware, and had better start there.</summary>
    [XenMessage("VM.copy_bios_strings")]
    public void CopyBiosStrings(CallContext context, Ref vm, Ref host)
    {
        RequireUnset(store.Current.Get("VM", vm));
        Set(vm, store.Current.Get("host", host).Map("bios_strings"), host.Text);
    }

    private static void RequireUnset(Record vm)
    {
        if (vm.Map("bios_strings").Count > 0)
            throw new XenException("VM_BIOS_STRINGS_ALREADY_SET");
    }

    private void Set(Ref vm, XenStruct strings, string? affinity) => store.Commit(unit =>
    {
        RequireUnset(unit.Get("VM", vm));
        unit.Set(vm.Text, "bios_strings", strings);
        if (affinity is not null)
            unit.Set(vm.Text, "affinity", affinity);
    });
}
