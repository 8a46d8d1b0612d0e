namespace XapiCompat.XeCli;

/// <summary>A record has no field of that name: the client prints an error <c>Missing parameter</c> and exits with 1.</summary>
public sealed class XeUnknownFieldException(string name) : Exception(name)
{
    public string Name { get; } = name;
}
