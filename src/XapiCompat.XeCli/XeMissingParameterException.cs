namespace XapiCompat.XeCli;

/// <summary>A parameter that the command needs is absent: <c>Required parameter not found: name</c> and the usage hint, exit 1.</summary>
public sealed class XeMissingParameterException(string name) : Exception(name)
{
    public string Name { get; } = name;
}
