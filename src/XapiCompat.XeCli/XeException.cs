namespace XapiCompat.XeCli;

/// <summary>A command refuses what it was given: the client prints <c>Error: text</c> and exits with 1.</summary>
public sealed class XeException(string text) : Exception(text);
