using System.Collections.Frozen;

namespace XapiCompat.Datamodel;

/// <summary>
/// The whole datamodel, read once from xapi-spec (embedded in this assembly). Immutable; everything else asks it
/// instead of restating it.
/// </summary>
public sealed class Model
{
    private readonly FrozenDictionary<string, ClassDef> _classes;
    private readonly FrozenDictionary<string, MessageDef> _messages;
    private readonly FrozenDictionary<string, ClassDef> _classesByWireName;

    internal Model(
        IReadOnlyList<ClassDef> classes,
        IReadOnlyList<MessageDef> messages,
        IReadOnlyList<RelationDef> relations,
        IReadOnlyDictionary<string, IReadOnlyList<string>> errors,
        IReadOnlyList<HttpActionDef> httpActions,
        IReadOnlyList<string> roles)
    {
        Classes = classes;
        Messages = messages;
        Relations = relations;
        Errors = errors;
        HttpActions = httpActions;
        RolesStrongToWeak = roles;
        _classes = classes.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);
        _classesByWireName = classes.ToFrozenDictionary(c => c.WireClass, StringComparer.Ordinal);

        // Every message also answers to Class_message.
        var names = new Dictionary<string, MessageDef>(StringComparer.Ordinal);
        foreach (var message in messages)
        {
            names.Add(message.FullName, message);
            names.TryAdd(message.Class.Name + "_" + message.Name, message);
        }

        _messages = names.ToFrozenDictionary(StringComparer.Ordinal);
    }

    public IReadOnlyList<ClassDef> Classes { get; }

    public IReadOnlyList<MessageDef> Messages { get; }

    public IReadOnlyList<RelationDef> Relations { get; }

    /// <summary>Error code to the names of its parameters; codes that are raised but not declared have none.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Errors { get; }

    public IReadOnlyList<HttpActionDef> HttpActions { get; }

    public IReadOnlyList<string> RolesStrongToWeak { get; }

    public static Model Load() => ModelLoader.Load(SpecFiles.Open);

    public ClassDef Class(string name) => _classes[name];

    public ClassDef? FindClass(string name) => _classes.GetValueOrDefault(name);

    /// <summary>A class by the lower-case name that events use.</summary>
    public ClassDef? FindWireClass(string name) => _classesByWireName.GetValueOrDefault(name.ToLowerInvariant());

    /// <summary>A message by <c>Class.message</c> or <c>Class_message</c>, without <c>Async.</c>.</summary>
    public MessageDef? FindMessage(string name) => _messages.GetValueOrDefault(name);
}
