using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli;

/// <summary>
/// The fixed commands that have code. Binding compares every marked method with the table of commands and reports all mismatches at
/// once.
/// </summary>
public sealed class XeCommandTable(XeTables tables)
{
    private readonly Dictionary<string, Func<XeCall, Task>> _commands = new(StringComparer.Ordinal);
    private readonly List<string> _mismatches = [];

    public XeTables Tables { get; } = tables;

    /// <summary>Names of the fixed commands that have code.</summary>
    public IReadOnlyCollection<string> Bound => _commands.Keys;

    public Func<XeCall, Task>? Find(string command) => _commands.GetValueOrDefault(command);

    /// <summary>Binds every marked public method of an object.</summary>
    public XeCommandTable Bind<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] T>(T commands)
        where T : class => BindAll(typeof(T), commands);

    /// <summary>Binds every marked public method of a static class.</summary>
    public XeCommandTable Bind([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type commands) => BindAll(commands, null);

    /// <summary>Call after the last <see cref="Bind{T}"/>.</summary>
    public XeCommandTable Verify() =>
        _mismatches.Count == 0 ? this : throw new InvalidOperationException("commands do not fit their table:\n" + string.Join('\n', _mismatches));

    private XeCommandTable BindAll([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type type, object? target)
    {
        foreach (var method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static))
        {
            foreach (var mark in method.GetCustomAttributes<XeCommandAttribute>())
                BindOne(method.IsStatic ? null : target, method, mark.Command);
        }

        return this;
    }

    private void BindOne(object? target, MethodInfo method, string name)
    {
        var place = method.DeclaringType!.Name + "." + method.Name + " for " + name + ": ";
        var parameters = method.GetParameters();
        if (Tables.FindCommand(name) is not { } row)
            _mismatches.Add(place + "no such command");
        else if (row.Generated is not null)
            _mismatches.Add(place + "the command is generated");
        else if (parameters.Length != 1 || parameters[0].ParameterType != typeof(XeCall) || method.ReturnType != typeof(Task))
            _mismatches.Add(place + "expected Task " + method.Name + "(XeCall call)");
        else if (!_commands.TryAdd(name, method.CreateDelegate<Func<XeCall, Task>>(target)))
            _mismatches.Add(place + "bound twice");
    }
}
