namespace XapiCompat.XeCli;

/// <summary>
/// Marks the method that runs a fixed command. The row of the command in <c>xapi-spec/xe/commands.json</c> says which
/// parameters it has and needs; the method is <c>Task Name(XeCall call)</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class XeCommandAttribute(string command) : Attribute
{
    public string Command { get; } = command;
}
