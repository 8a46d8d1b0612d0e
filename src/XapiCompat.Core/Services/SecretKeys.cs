using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Passwords in device_config become secrets: <c>chappassword</c> is stored as <c>chappassword_secret</c>, the uuid of one.</summary>
public sealed class SecretKeys
{
    private const string Suffix = "_secret";
    private readonly IdSource _ids;
    private readonly List<(string Uuid, string Value)> _secrets = [];

    private SecretKeys(IdSource ids, XenStruct config)
    {
        _ids = ids;
        Config = config;
    }

    /// <summary>The device_config without passwords.</summary>
    public XenStruct Config { get; private set; }

    public static SecretKeys Hide(IdSource ids, XenStruct config)
    {
        var keys = new SecretKeys(ids, config);
        for (var i = 0; i < config.Count; i++)
        {
            if (!config.Names[i].EndsWith("password", StringComparison.Ordinal))
                continue;
            var uuid = ids.NewUuidText();
            keys._secrets.Add((uuid, config.Values[i].ToString()!));
            keys.Config = keys.Config.Without(config.Names[i]).With(config.Names[i] + Suffix, uuid);
        }

        return keys;
    }

    /// <summary>The uuids of the secrets that a PBD names.</summary>
    public static IEnumerable<string> Secrets(Record pbd)
    {
        var config = pbd.Map("device_config");
        return config.Names.Zip(config.Values).Where(p => p.First.EndsWith("password" + Suffix, StringComparison.Ordinal)).Select(p => p.Second.ToString()!);
    }

    public void Write(UnitOfWork unit)
    {
        foreach (var (uuid, value) in _secrets)
            unit.Insert(unit.Model.Class("secret"), _ids.NewReference(), [("uuid", uuid), ("value", value)]);
    }
}
