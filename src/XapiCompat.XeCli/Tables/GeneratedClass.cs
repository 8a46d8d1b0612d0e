namespace XapiCompat.XeCli.Tables;

/// <summary>The commands that a class has for being a class.</summary>
/// <param name="Name">First part of their names, such as <c>vm</c>.</param>
/// <param name="DefaultFilters">What its list leaves out unless all is asked for.</param>
/// <param name="DefaultColumns">What its list shows when nothing else is asked for; empty for everything.</param>
public sealed record GeneratedClass(
    string Name, RecordTable Table, IReadOnlyList<KeyValuePair<string, string>> DefaultFilters, IReadOnlyList<string> DefaultColumns, IReadOnlyList<string> Operations);
