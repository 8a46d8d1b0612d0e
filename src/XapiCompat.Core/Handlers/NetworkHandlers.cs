using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class NetworkHandlers(RecordStore store, IdSource ids)
{
    private const int LongestBridge = 15;

    private static readonly string[] ReservedPrefixes = ["eth", "xenbr", "xapi", "bond", "xentemp"];

    /// <summary>An MTU that makes no sense becomes 1500; a bridge that is not named gets the next free name.</summary>
    [XenMessage("network.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var bridge = args["bridge"]?.ToString() ?? "";
        var taken = unit.All(unit.Model.Class("network")).Select(n => n.Text("bridge")).ToHashSet(StringComparer.Ordinal);
        if (bridge.Length > LongestBridge || ReservedPrefixes.Any(p => bridge.StartsWith(p, StringComparison.Ordinal)))
            throw new XenException("INVALID_VALUE", "bridge", bridge);
        if (bridge.Length > 0 && taken.Contains(bridge))
            throw new XenException("BRIDGE_NAME_EXISTS", bridge);
        for (var number = 0; bridge.Length == 0; number++)
            bridge = taken.Contains("xapi" + number) ? "" : "xapi" + number;

        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("network"), reference, CreateRecord.Fields(unit.Model.Class("network"), args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        unit.Set(reference, "bridge", bridge);
        if (unit.Find(reference)!.Int("MTU") <= 0)
            unit.Set(reference, "MTU", 1500);
        return new Ref(reference);
    });

    [XenMessage("network.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var network = unit.Get("network", self);
        if (network.Set("PIFs").ToList() is { Count: > 0 } pifs)
            throw new XenException("NETWORK_CONTAINS_PIF", pifs);
        if (network.Set("VIFs").ToList() is { Count: > 0 } vifs)
            throw new XenException("NETWORK_CONTAINS_VIF", vifs);
        unit.Delete(self.Text);
    });
}
