namespace XapiCompat.XeCli;

/// <summary>Some of several objects refused an operation: each is printed on standard output, and the client exits with 1.</summary>
public sealed class XeOperationsException(IReadOnlyList<KeyValuePair<string, string>> failures) : Exception("operations failed")
{
    /// <summary>Uuid and error text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Failures { get; } = failures;
}
