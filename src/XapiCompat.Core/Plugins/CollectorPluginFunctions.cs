using System.Globalization;
using XapiCompat.Core.Collecting;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Plugins;

/// <summary>Collecting on demand: <c>coalesce_now</c> and <c>flatten_vdi</c>.</summary>
public sealed class CollectorPluginFunctions(RecordStore store, Collector collector) : IPluginFunctions
{
    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
    [
        ("coalesce_now", CoalesceNowAsync),
        ("flatten_vdi", FlattenAsync),
    ];

    /// <summary>Answers the number of merges and removals.</summary>
    private async ValueTask<string> CoalesceNowAsync(PluginCall call, CancellationToken cancellationToken) =>
        (await collector.RunNowAsync(Find("SR", call, "sr"), cancellationToken)).ToString(CultureInfo.InvariantCulture);

    private async ValueTask<string> FlattenAsync(PluginCall call, CancellationToken cancellationToken)
    {
        var vdi = Find("VDI", call, "vdi");
        await collector.FlattenAsync(vdi, _ => { }, cancellationToken);
        return "true";
    }

    /// <summary>Objects are named by uuid or by reference.</summary>
    private Record Find(string @class, PluginCall call, string argument)
    {
        var name = call.Required(argument);
        return store.Current.FindByUuid(store.Model.Class(@class), name)
            ?? (store.Current.Find(name) is { } record && record.Class.Name == @class ? record : throw new XenException("INVALID_VALUE", argument, name));
    }
}
