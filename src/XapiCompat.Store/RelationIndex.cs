using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>The relations of the datamodel by the class that stores them.</summary>
internal sealed class RelationIndex(Model model)
{
    private readonly RelationDef[][] _from = [.. model.Classes.Select(c => model.Relations.Where(r => r.OneClass == c && !r.One.Computed).ToArray())];

    public IReadOnlyList<RelationDef> From(ClassDef @class) => _from[@class.Index];

    public static IReadOnlyList<string> Targets(XenValue? value) => value switch
    {
        XenString { Text: not ("OpaqueRef:NULL" or "") } reference => [reference.Text],
        XenArray array => [.. array.Items.Select(i => i.ToString()!)],
        _ => [],
    };
}
