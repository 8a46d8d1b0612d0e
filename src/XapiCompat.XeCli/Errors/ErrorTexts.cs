using System.Collections.Frozen;
using System.Text.Json;

namespace XapiCompat.XeCli.Errors;

/// <summary>What errors of the API are called. Those that nobody described are named after their code.</summary>
internal static class ErrorTexts
{
    private static readonly FrozenDictionary<string, string> Described = Read();

    private static readonly FrozenSet<string> Names = new[]
    {
        "API", "BIOS", "CA", "CBT", "CD", "CLI", "CPU", "CRL", "DNS", "GPU", "HA", "HVM", "IO", "IP", "ISCSI", "LACP", "LDAPS", "MAC", "MTU", "NBD", "NTP", "NUMA", "OS",
        "OU", "OVS", "PBD", "PCI", "PGPU", "PIF", "PUSB", "PV", "PVS", "RBAC", "RRD", "SDN", "SM", "SR", "SSH", "SSL", "SSO", "TLS", "UEFI", "URI", "URL", "USB", "UUID", "VBD", "VCPU", "VDI",
        "VF", "VGPU", "VHD", "VIF", "VLAN", "VM", "VMPP", "VMSS", "VTPM", "VUSB", "WLB", "XAPI", "XEN", "XML", "XMLRPC",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static string Of(string code) => Described.GetValueOrDefault(code) ?? Spell(code);

    /// <summary>The words of the code as a sentence.</summary>
    private static string Spell(string code)
    {
        var words = code.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(w => IsName(w) ? Plural(w) : w.ToLowerInvariant()).ToList();
        var sentence = string.Join(' ', words);
        return sentence.Length == 0 ? code : char.ToUpperInvariant(sentence[0]) + sentence[1..] + ".";
    }

    private static bool IsName(string word) => Names.Contains(word) || (word.EndsWith('S') && word != "HAS" && Names.Contains(word[..^1]));

    private static string Plural(string word) => Names.Contains(word) ? word : word[..^1] + "s";

    private static FrozenDictionary<string, string> Read()
    {
        using var stream = typeof(ErrorTexts).Assembly.GetManifestResourceStream("error-texts.json")!;
        using var document = JsonDocument.Parse(stream);
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in document.RootElement.EnumerateObject())
            texts.Add(entry.Name, entry.Value.GetString()!);
        return texts.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
