namespace XapiCompat.Storage;

/// <summary>A piece of work that was done.</summary>
/// <param name="Key">The node or leaf that it was about.</param>
/// <param name="Result">Null when others were faster and there was nothing left to end.</param>
/// <param name="Outstanding">Bytes to copy in all other work that was known at its beginning.</param>
public sealed record CollectorStep(CollectorWorkKind Kind, string Key, CollectorResult? Result, long Outstanding);

/// <summary>Work of a collector that failed.</summary>
/// <param name="key">The node or leaf that it was about.</param>
public sealed class CollectorException(CollectorWorkKind kind, string key, Exception inner) : Exception(kind + " of " + key + ": " + inner.Message, inner)
{
    public string Key { get; } = key;
}
