namespace XapiCompat.Xe;

/// <summary>Standard output takes nothing more.</summary>
internal sealed class OutputException(Exception inner) : Exception(inner.Message, inner);
