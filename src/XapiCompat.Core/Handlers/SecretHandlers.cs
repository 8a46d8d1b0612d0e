using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class SecretHandlers(RecordStore store, IdSource ids)
{
    /// <summary>A secret with a uuid of the caller's choice.</summary>
    [XenMessage("secret.introduce")]
    public Ref Introduce(CallContext context, string uuid, string value, XenStruct otherConfig) => store.Commit(unit =>
    {
        var @class = unit.Model.Class("secret");
        if (!Guid.TryParseExact(uuid, "D", out _))
            throw Errors.UuidInvalid("secret", uuid);
        if (unit.FindByUuid(@class, uuid) is not null)
            throw Errors.Internal("there is a secret with the uuid " + uuid);
        var reference = ids.NewReference();
        unit.Insert(@class, reference, [("uuid", uuid), ("value", Storable.Clean(value)), ("other_config", Storable.Clean(otherConfig))]);
        return new Ref(reference);
    });
}

/// <summary>Secrets that a map names by keys ending in <c>password_secret</c> go with the map.</summary>
internal static class SecretEdits
{
    public static void DeleteNamedBy(UnitOfWork unit, XenStruct map)
    {
        foreach (var key in map.Names.Where(n => n.EndsWith("password_secret", StringComparison.Ordinal)))
        {
            if (unit.FindByUuid(unit.Model.Class("secret"), map[key]!.ToString()!) is { } secret)
                unit.Delete(secret.Reference);
        }
    }
}
