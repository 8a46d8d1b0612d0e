namespace XapiCompat.Server.Tests.Support;

/// <summary>A call answered with an error: its code first, then its parameters.</summary>
public sealed class ApiFailure(string method, IReadOnlyList<string> description) : Exception(method + " failed: " + string.Join(", ", description))
{
    public IReadOnlyList<string> Description { get; } = description;
}
