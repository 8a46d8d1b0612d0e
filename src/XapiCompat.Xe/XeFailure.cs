namespace XapiCompat.Xe;

/// <summary>The end of a run, in the words for standard error (lines complete); the usage may follow.</summary>
internal sealed class XeFailure(string text, bool withUsage = false) : Exception(text)
{
    public bool WithUsage { get; } = withUsage;

    public static XeFailure LostConnection() => new("Lost connection to the server.\n");

    public static XeFailure NoContact(string? reason = null) =>
        new("Unable to contact server. Please check server and port settings.\n" + (reason is null ? "" : $"({reason})\n"));
}
