using System.Collections.Frozen;
using XapiCompat.Datamodel;

namespace XapiCompat.XeCli.Tables;

/// <summary>Everything about commands and records that is data. Immutable; made once.</summary>
public sealed class XeTables
{
    private readonly FrozenDictionary<string, RecordTable> _records;
    private readonly FrozenDictionary<string, CommandRow> _commands;

    internal XeTables(
        Model model, IReadOnlyList<CommandRow> commands, IReadOnlyList<RecordTable> records, IReadOnlyList<GeneratedClass> classes, IReadOnlySet<string> common,
        IReadOnlyDictionary<string, IReadOnlyList<string>> errors)
    {
        Model = model;
        Commands = commands;
        Records = records;
        Classes = classes;
        CommonParameters = common;
        Errors = errors;
        _records = records.ToFrozenDictionary(r => r.Name, StringComparer.Ordinal);
        _commands = commands.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);
    }

    public Model Model { get; }

    /// <summary>All commands, fixed and generated, by name.</summary>
    public IReadOnlyList<CommandRow> Commands { get; }

    public IReadOnlyList<RecordTable> Records { get; }

    public IReadOnlyList<GeneratedClass> Classes { get; }

    /// <summary>Parameters that every command has and no filter is.</summary>
    public IReadOnlySet<string> CommonParameters { get; }

    /// <summary>Declared errors of the API to the names of their parameters.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Errors { get; }

    public static XeTables Load(Model model) => TableLoader.Load(model);

    public CommandRow? FindCommand(string name) => _commands.GetValueOrDefault(name);

    public RecordTable Record(string name) => _records[name];
}
