using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>PBDs as records.</summary>
public static class PbdRecords
{
    private const string InternalKey = "SRmaster";

    /// <summary>One key of device_config is the server's own word to its drivers.</summary>
    public static void RequirePublicKeys(XenStruct config)
    {
        if (config[InternalKey] is { } value)
            throw new XenException("VALUE_NOT_SUPPORTED", InternalKey, value.ToString()!, "this key is the server's own");
    }

    public static string Insert(UnitOfWork unit, IdSource ids, string host, string sr, XenStruct config, bool attached)
    {
        var reference = ids.NewReference();
        unit.Insert(
            unit.Model.Class("PBD"),
            reference,
            [
                ("uuid", ids.NewUuidText()), ("host", host), ("SR", sr), ("device_config", Storable.Clean(config)), ("currently_attached", attached),
            ]);
        return reference;
    }

    /// <summary>Removes a PBD and the secrets that its device_config names.</summary>
    public static void Delete(UnitOfWork unit, string pbd)
    {
        if (unit.Find(pbd) is not { } record)
            return;
        var others = unit.All(unit.Model.Class("PBD")).Where(p => p.Reference != pbd).SelectMany(SecretKeys.Secrets).ToHashSet(StringComparer.Ordinal);
        foreach (var uuid in SecretKeys.Secrets(record).Where(s => !others.Contains(s)).ToList())
        {
            if (unit.FindByUuid(unit.Model.Class("secret"), uuid) is { } secret)
                unit.Delete(secret.Reference);
        }

        unit.Delete(pbd);
    }
}
