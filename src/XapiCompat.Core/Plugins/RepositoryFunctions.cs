using System.Text;
using System.Text.Json;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Plugins;

/// <summary><c>sr_problems</c>: what the last look at an SR found that is no usable disk and was left alone, as a JSON array of lines.</summary>
public sealed class RepositoryFunctions(RecordStore store, StorageHost storage) : IPluginFunctions
{
    public IEnumerable<(string Name, Func<PluginCall, CancellationToken, ValueTask<string>> Run)> Functions =>
        [("sr_problems", (call, _) => ValueTask.FromResult(Problems(call)))];

    private string Problems(PluginCall call)
    {
        var name = call.Arguments.GetValueOrDefault("sr") is { Length: > 0 } given ? given : throw new XenException("INVALID_VALUE", "sr", "");
        var sr = store.Current.FindByUuid(store.Model.Class("SR"), name)
            ?? (name.StartsWith(Ref.Prefix, StringComparison.Ordinal) ? store.Current.Get("SR", name) : throw Errors.UuidInvalid("SR", name));
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var problem in storage.Attached(sr).Problems)
                writer.WriteStringValue(problem);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
