using XapiCompat.Datamodel;

namespace XapiCompat.Core.Events;

/// <summary>What a client wants to hear of: everything, classes, or single objects. Letter case counts in references only.</summary>
internal sealed class Subscriptions
{
    private readonly HashSet<string> _references = new(StringComparer.Ordinal);
    private readonly bool[] _whole;
    private readonly bool[] _touched;

    public Subscriptions(Model model, IEnumerable<string> texts)
    {
        _whole = new bool[model.Classes.Count];
        _touched = new bool[model.Classes.Count];
        var taskOnly = true;
        foreach (var text in texts)
        {
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            if (text == "*")
            {
                foreach (var @class in model.Classes.Where(c => c.GeneratesEvents))
                    _whole[@class.Index] = _touched[@class.Index] = true;
                taskOnly = false;
            }
            else if (model.FindWireClass(slash < 0 ? text : text[..slash]) is { GeneratesEvents: true } @class)
            {
                // Names of no class are no error and match nothing.
                taskOnly &= @class.Name == "task";
                _touched[@class.Index] = true;
                if (slash < 0)
                    _whole[@class.Index] = true;
                else
                    _references.Add(Key(@class, text[(slash + 1)..]));
            }
        }

        IsTaskOnly = taskOnly;
        Classes = [.. model.Classes.Where(c => _touched[c.Index])];
    }

    /// <summary>Classes of which at least one object is wanted.</summary>
    public IReadOnlyList<ClassDef> Classes { get; }

    /// <summary>True when nothing but tasks is wanted: these are never kept waiting.</summary>
    public bool IsTaskOnly { get; }

    /// <summary>References wanted one by one, with their class.</summary>
    public IEnumerable<(ClassDef Class, string Reference)> Singles =>
        Classes.Where(c => !_whole[c.Index]).SelectMany(c => _references.Where(r => r.StartsWith(c.WireClass + "/", StringComparison.Ordinal)).Select(r => (c, r[(c.WireClass.Length + 1)..])));

    public bool WantsMessages => Classes.Any(c => c.Name == "message");

    public bool WantsAll(ClassDef @class) => _whole[@class.Index];

    public bool Wants(ClassDef @class, string reference) =>
        _whole[@class.Index] || (_touched[@class.Index] && _references.Contains(Key(@class, reference)));

    private static string Key(ClassDef @class, string reference) => @class.WireClass + "/" + reference;
}
