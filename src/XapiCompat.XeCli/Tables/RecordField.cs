using XapiCompat.Datamodel;

namespace XapiCompat.XeCli.Tables;

/// <summary>One field of a record table.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Label">As printed: name, tag, and a mark when it is deprecated.</param>
/// <param name="Api">Field of the API record that it shows; null when it is computed.</param>
/// <param name="Link">Field of the API record that leads to another object, when the value is taken from there.</param>
/// <param name="LinkedField">The field of that object.</param>
/// <param name="Missing">Printed when the other object does not exist.</param>
/// <param name="Separator">Between the items of a set or the pairs of a map.</param>
/// <param name="Enum">Name of the conversion that prints enum members; null when they print as they are.</param>
/// <param name="RefersTo">Class of the references in it; null when there are none.</param>
/// <param name="ByName">References print as the name of their object instead of its uuid.</param>
/// <param name="Operations">Kind of write to the messages that do it, those that only look up first.</param>
/// <param name="Expensive">Lists print a placeholder.</param>
/// <param name="Hidden">Printed only by name in param-get.</param>
public sealed record RecordField(
    string Name, string Label, FieldKind Kind, string? Api, string? Link, string? LinkedField, string Missing, string Separator, string? Enum, string? RefersTo,
    bool ByName, bool ShowsMap, IReadOnlyDictionary<string, IReadOnlyList<MessageDef>> Operations, bool Expensive, bool Hidden, bool CaseInsensitive)
{
    public bool Can(string operation) => Operations.ContainsKey(operation);

    /// <summary>The message that writes; others of the operation only look something up before.</summary>
    public MessageDef? Writer(string operation) =>
        Operations.GetValueOrDefault(operation)?.FirstOrDefault(m => !m.Name.StartsWith("get_", StringComparison.Ordinal));
}
