using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>The relations of the datamodel by the class that stores them.</summary>
internal sealed class RelationIndex(Model model)
{
    private readonly ILookup<ClassDef, RelationDef> _from = model.Relations
        .Where(r => !r.One.Computed)
        .ToLookup(r => r.OneClass);

    public IEnumerable<RelationDef> From(ClassDef @class) => _from[@class];

    public static IReadOnlyList<string> Targets(XenValue? value) => value switch
    {
        XenString { Text: not ("OpaqueRef:NULL" or "") } reference => [reference.Text],
        XenArray array => [.. array.Items.Select(i => i.ToString()!)],
        _ => [],
    };
}
