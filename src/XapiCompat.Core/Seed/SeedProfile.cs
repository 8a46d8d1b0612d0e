using System.Reflection;
using System.Text.Json;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>A release that hosts pose as: versions, brand, edition. Data in <c>profiles.json</c>.</summary>
public static class SeedProfile
{
    public static IEnumerable<string> Names
    {
        get
        {
            using var document = Open();
            return [.. document.RootElement.EnumerateObject().Select(p => p.Name)];
        }
    }

    /// <summary>Puts a release's values into the hosts and the tools SR of a seed; everything else stays as the seed says.</summary>
    public static IEnumerable<SeedObject> Apply(IEnumerable<SeedObject> objects, string name)
    {
        using var document = Open();
        if (!document.RootElement.TryGetProperty(name, out var found))
            throw new SeedException("there is no profile " + name + " (known: " + string.Join(' ', Names) + ")");
        var profile = (XenStruct)JsonValues.Read(found);
        return [.. objects.Select(o => o.Class switch
        {
            "host" => Host(o, profile),
            "SR" when o.IsTrue("is_tools_sr") => Tools(o, profile["tools"]!.ToString()!),
            _ => o,
        })];
    }

    private static SeedObject Host(SeedObject host, XenStruct profile)
    {
        var values = (XenStruct)profile["host"]!;
        for (var i = 0; i < values.Count; i++)
            host = host.With(values.Names[i], values.Values[i]);
        var software = (XenStruct)profile["software_version"]!;
        var license = host.Fields.GetValueOrDefault("license_params") as XenStruct ?? XenStruct.Empty;
        var texts = (XenStruct)profile["license_params"]!;
        for (var i = 0; i < texts.Count; i++)
            license = license.With(texts.Names[i], texts.Values[i]);
        return host.With("software_version", software.With("hostname", "${hostname}")).With("license_params", license);
    }

    private static SeedObject Tools(SeedObject sr, string label)
    {
        var config = (XenStruct)sr.Fields.GetValueOrDefault("other_config")!;
        return sr.With("name_label", label)
            .With("name_description", label + " ISOs")
            .With("other_config", config.With("i18n-original-value-name_label", label).With("i18n-original-value-name_description", label + " ISOs"));
    }

    private static JsonDocument Open()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("profiles.json")!;
        return JsonDocument.Parse(stream);
    }
}
