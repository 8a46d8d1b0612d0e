using System.Globalization;
using XapiCompat.Core.Collecting;
using XapiCompat.Core.Services;
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
        return vdi.Uuid;
    }

    /// <summary>Objects are named by uuid or by reference.</summary>
    private Record Find(string @class, PluginCall call, string argument)
    {
        if (call.Arguments.GetValueOrDefault(argument) is not { Length: > 0 } name)
            throw Errors.Internal(call.Function + " needs the argument " + argument);
        return store.Current.FindByUuid(store.Model.Class(@class), name)
            ?? (name.StartsWith(Ref.Prefix, StringComparison.Ordinal) ? store.Current.Get(@class, name) : throw Errors.UuidInvalid(@class, name));
    }
}
