using XapiCompat.Values;
using XapiCompat.XeCli.Api;

namespace XapiCompat.XeCli.Records;

/// <summary>
/// The objects that records refer to, as they were when first asked for. A few are fetched one by one; when there are more, the whole
/// class comes with one call.
/// </summary>
internal sealed class ReferenceCache(XeApi api)
{
    private const int MostSingles = 4;

    private readonly Dictionary<string, ClassContent> _classes = new(StringComparer.Ordinal);

    /// <summary>The record behind a reference; null when it is null or dangling.</summary>
    public async ValueTask<XenStruct?> FindAsync(string @class, string reference)
    {
        if (new Ref(reference).IsNull)
            return null;
        if (!_classes.TryGetValue(@class, out var content))
            _classes.Add(@class, content = new());
        if (content.Known.TryGetValue(reference, out var known))
            return known;
        if (content.Whole)
            return null;
        if (content.Known.Count < MostSingles)
            return content.Known[reference] = await SingleAsync(@class, reference);
        content.Fill(await api.RecordsAsync(@class));
        return content.Known.GetValueOrDefault(reference);
    }

    /// <summary>Takes in what a list has fetched already.</summary>
    public void Fill(string @class, IReadOnlyList<KeyValuePair<string, XenStruct>> records)
    {
        var content = new ClassContent();
        content.Fill(records);
        _classes[@class] = content;
    }

    private async ValueTask<XenStruct?> SingleAsync(string @class, string reference)
    {
        try
        {
            return await api.RecordAsync(@class, reference);
        }
        catch (XenException e) when (e.Failure.Code == "HANDLE_INVALID")
        {
            return null;
        }
    }

    private sealed class ClassContent
    {
        public Dictionary<string, XenStruct?> Known { get; } = new(StringComparer.Ordinal);

        public bool Whole { get; private set; }

        public void Fill(IReadOnlyList<KeyValuePair<string, XenStruct>> records)
        {
            foreach (var (reference, record) in records)
                Known[reference] = record;
            Whole = true;
        }
    }
}
